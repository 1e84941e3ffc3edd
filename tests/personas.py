"""Fixed people: one for each role on each side, the three administrators, an outsider and nobody."""

from dataclasses import dataclass

from app.permissions import Administrator, Role

AIDING, RECEIVING, PARTNER, SUPERIOR, OUTSIDE = (
    "河北省地震局",
    "巴州应急管理局",
    "新疆维吾尔自治区地震局",
    "中国地震局",
    "江南省地震局",
)


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody: the unit they sit in and what they hold. ``role`` None with no seat: nobody."""

    login: str
    name: str
    unit: str
    role: Role | None = None
    administrator: Administrator | None = None
    programme: str = "home"


PERSONAS: dict[str, Persona] = {
    persona.login: persona
    for persona in (
        Persona("coordinator", "统筹员", "规划财务处", Role.COORDINATOR),
        Persona("recipient", "受援统筹", "援建科", Role.RECIPIENT),
        Persona("unit_head", "处长", "监测处（应急处）", Role.UNIT_HEAD),
        Persona("handler", "承办员", "监测处（应急处）", Role.HANDLER),
        Persona("deputy", "替补员", "监测处（应急处）", Role.DEPUTY),
        Persona("receiving_handler", "受援承办", "援建科", Role.HANDLER),
        Persona("treasurer", "出纳", "规划财务处", Role.TREASURER),
        Persona("inspector", "纪检员", "纪检室", Role.INSPECTOR),
        Persona("leader", "局领导", AIDING, Role.LEADER),
        Persona("receiving_leader", "受援领导", RECEIVING, Role.LEADER),
        Persona("partner", "协同员", PARTNER, Role.PARTNER),
        Persona("superior", "上级联络", SUPERIOR, Role.SUPERIOR),
        Persona("auditor", "外部审计", SUPERIOR, Role.AUDITOR),
        Persona("system_admin", "系统管理员", AIDING, administrator=Administrator.SYSTEM),
        Persona("security_admin", "安全管理员", AIDING, administrator=Administrator.SECURITY),
        Persona("audit_admin", "审计管理员", AIDING, administrator=Administrator.AUDIT),
        Persona("outsider", "外单位统筹", OUTSIDE, Role.COORDINATOR, programme="outside"),
    )
}
NOBODY = "nobody"
EVERYBODY = (*PERSONAS, NOBODY)
BUSINESS = tuple(name for name, persona in PERSONAS.items() if persona.role and persona.programme == "home")

"""Plans written for the suite, in the style of published ones; no sentence is taken from a real document."""

ISSUER = "河北省地震局"
NUMBER = "冀震发〔2027〕3号"
TITLE = "“十五五”对口协作防震减灾工作方案"

PLAN = f"""{ISSUER}文件

{NUMBER}

关于印发《{TITLE}》的通知

各处室、直属单位：

现将《{TITLE}》印发给你们，请认真组织实施。

{ISSUER}
2027年1月15日

{TITLE}

为做好2026年至2030年对口协作工作，按照上级部署，结合受援地区实际情况，进一步明\n\n确职责分工，制定本方案。

一、工作目标

到2030年，受援地区监测能力明显提升，群众防灾意识普遍增强。

二、主要任务

（一）落实资金援疆

每年安排专项经费，支持受援单位开展台站维护。（规划财务处）

（二）推进项目援疆

1. 共建地震监测台站，2028年底前完成设备更新。（监测处（应急处）、信息中心）

2. 建设应急演练场地，2029年6月底前投入使用。（监测处牵头，信息中心、各中心站配合）

（三）做好智力援疆

1. 选派技术骨干开展短期服务，持续推进。（人才交流办公室、规财处）

2. 组织受援地区业务人员来冀跟班学习。（人才交流办公室）

三、实施步骤

（一）2027年3月底前，与受援单位商定年度计划。

（二）2028年底，开展中期评估。

抄送：巴州应急管理局。
"""

# The same plan amended: one task reworded, one moved and renumbered, one gone, one new.
AMENDED = (
    PLAN.replace("冀震发〔2027〕3号", "冀震发〔2027〕3号")
    .replace("2028年底前完成设备更新。（监测处（应急处）、信息中心）", "2029年底前完成设备更新。（监测处（应急处））")
    .replace(
        "2. 建设应急演练场地，2029年6月底前投入使用。（监测处牵头，信息中心、各中心站配合）",
        "2. 编制受援地区地震灾害风险区划图。（信息中心）\n\n"
        "3. 建设应急演练场地，2029年6月底前投入使用。（监测处牵头，信息中心、各中心站配合）",
    )
    .replace("\n2. 组织受援地区业务人员来冀跟班学习。（人才交流办公室）\n", "")
)


def long_plan(tasks: int) -> str:
    """A plan of many tasks, each of its own words."""
    items = "\n\n".join(
        f"{n}. 完成第{n}号站点的巡检维护，形成第{n}号记录。（监测处（应急处）、信息中心）" for n in range(1, tasks + 1)
    )
    start = PLAN.index("（一）落实资金援疆")
    return f"{PLAN[:start]}（一）推进项目援疆\n\n{items}\n\n抄送：巴州应急管理局。\n"

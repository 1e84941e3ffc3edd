"""Folding: one character in, one character out, so that a place in the fold is a place in the text.

Stored documents mix full and half width, full stops of four shapes and traditional characters
(domain rules, section 2.1, "Numbering traps"). Every rule of the reader matches on the fold; every
name that is answered is cut from the text itself, so it stays verbatim.
"""

import re
from typing import Final

_PUNCTUATION: Final = {
    "(": "（", ")": "）", "﹙": "（", "﹚": "）",
    ",": "，", "﹐": "，", ":": "：", "﹕": "：", "∶": "：", "︰": "：", ";": "；", "﹔": "；",
    "!": "！", "?": "？", "﹑": "、", "､": "、", "｡": "。", "．": ".", "﹒": ".", "․": ".",
    "[": "〔", "]": "〕", "［": "〔", "］": "〕", "﹝": "〔", "﹞": "〕",
    "\u00a0": " ", "\u3000": " ", "\t": " ", "\u202f": " ",
    "﹣": "-", "－": "-", "‐": "-", "‑": "-", "‒": "-", "–": "—", "―": "—", "─": "—", "~": "～",
    "○": "〇", "◯": "〇", "＂": "“",
    "（": "（", "）": "）", "，": "，", "：": "：", "；": "；", "！": "！", "？": "？",
}  # fmt: skip

# Only the characters that the rules themselves look for, or that stand in names of units and ends
# of titles; a converter of the whole language is not needed to find a bracket.
_TRADITIONAL: Final = (
    "牽牵頭头單单責责負负協协辦办廳厅處处會会總总銀银監监導导參参與与實实標标劃划務务門门區区縣县鎮镇"
    "鄉乡廣广東东發发號号開开關关於于為为爲为進进時时間间個个來来國国學学體体業业產产應应當当執执織织"
    "團团軍军隊队黨党紀纪檢检議议請请報报電电機机構构統统計计財财醫医衛卫藥药環环護护資资網网備备圖图"
    "書书館馆場场車车運运輸输稅税價价農农漁渔糧粮儲储倉仓勞劳動动歸归類类節节約约範范圍围屬属據据數数"
    "專专項项級级領领員员組组聯联黨党戶户鐵铁線线臺台檔档庫库審审設设評评訓训課课試试質质題题類类現现"
    "見见規规則则創创辦办優优勢势慶庆條条極极樂乐權权檢检歷历況况準准濟济滿满漢汉無无煙烟熱热爭争獎奖"
    "瑣琐療疗確确禮礼種种積积穩稳窩窝競竞築筑簡简納纳結结給给經经綜综維维編编緊紧縱纵績绩續续羅罗習习"
    "聖圣聲声職职肅肃腦脑膽胆艙舱藝艺蘇苏處处虛虚蟲虫術术衝冲製制複复視视覺觉覽览觀观訂订討讨記记許许"
    "訪访詞词詢询該该詳详認认語语誠诚說说調调談谈論论諮咨講讲證证識识變变讓让貧贫貨货販贩貫贯貿贸費费"
    "賀贺賓宾賞赏賠赔賢贤賣卖購购贈赠趙赵跡迹踐践躍跃軌轨軟软輔辅輕轻輪轮轄辖轉转辭辞邊边達达遠远適适"
    "遷迁選选遺遗還还郵邮鄧邓釋释針针鋼钢錄录錢钱鎖锁鏈链鑑鉴長长閉闭閱阅際际陣阵陰阴陳陈陸陆陽阳隨随"
    "險险隱隐離离難难雜杂雲云靈灵靜静韓韩響响頁页順顺須须預预頒颁額额願愿顧顾風风飛飞餘余養养館馆駐驻"
    "驗验驟骤鮮鲜麗丽點点齊齐齡龄龍龙兩两嚴严並并丟丢亞亚們们係系傳传債债傷伤僅仅價价億亿儀仪償偿優优"
    "內内冊册凈净決决凍冻幾几別别劇剧勵励勝胜匯汇華华協协單单衛卫廠厂歷历厭厌參参雙双叢丛啟启員员喬乔"
    "單单嘗尝嚮向圍围園园圓圆團团墊垫報报場场塊块壓压壞坏壯壮處处備备夠够奪夺奮奋婦妇孫孙寧宁寶宝審审"
    "寫写寬宽將将專专尋寻對对層层屆届嶺岭崗岗島岛帶带幣币幫帮庫库廢废廣广彈弹強强後后復复從从徵征態态"
    "慣惯戰战戲戏擁拥擇择擊击擔担據据擬拟擴扩攝摄敗败敵敌數数斷断於于昇升曉晓暫暂條条棄弃樹树橋桥檢检"
    "歲岁殘残殺杀氣气決决沒没測测濕湿災灾為为牆墙獲获獻献畫画異异疊叠盡尽盤盘礎础視视禦御稱称筆笔簽签"
    "糾纠純纯紙纸級级細细終终絡络絕绝絲丝統统緣缘縮缩總总織织繼继罰罚義义聽听聯联脫脱腳脚臨临興兴舉举"
    "舊旧艱艰莊庄藍蓝蘭兰補补裝装裡里親亲觸触訊讯詐诈誤误課课諾诺謀谋證证豐丰貢贡貪贪貸贷貼贴賴赖贏赢"
    "輩辈輛辆輯辑農农郷乡鄰邻醜丑釀酿鍵键鍋锅鍛锻鑽钻門门閒闲閣阁闆板闊阔隸隶雖虽雞鸡霧雾頂顶頻频顏颜"
    "顯显飯饭飲饮飾饰館馆駛驶騎骑騙骗驅驱髮发鬆松鬥斗魚鱼鳥鸟鹽盐麥麦黃黄"
)

_TABLE: Final = (
    {ord(a): b for a, b in zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True)}
    | {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(range(0x2000, 0x200B), " ")
    | {ord(a): b for a, b in _PUNCTUATION.items()}
)

_CJK: Final = "\u3400-\u9fff"
# A half-width full stop that closes a sentence: after a Chinese character, before another or the end.
# Not the stop of a marker such as 一. at the beginning of a line.
_STOP: Final = re.compile(rf"(?<=[{_CJK}”）》%][{_CJK}”）》%][{_CJK}”）》%])\.(?=[{_CJK}（“《]|\s*$)")
_COMMA_IN_NUMBER: Final = re.compile(r"(?<=\d)，(?=\d{3}(?!\d))")


def fold(text: str) -> str:
    """``text`` with one shape per sign and simplified characters, of the same length."""
    folded = text.translate(_TABLE)
    if "." in folded:
        folded = _STOP.sub("。", folded)
    if "，" in folded:
        folded = _COMMA_IN_NUMBER.sub(",", folded)
    return folded


def squeeze(text: str) -> str:
    """The fold of ``text`` without any white space, to compare two spellings of one thing."""
    return "".join(fold(text).split())

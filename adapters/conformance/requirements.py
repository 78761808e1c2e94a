"""What is required of an adapter and why; every check traces to one of these, and docs/reference/conformance.md lists
them all."""

from __future__ import annotations

from dataclasses import dataclass

from domain.messages import Text


@dataclass(frozen=True)
class Requirement:
    """``text``: what must hold; ``why``: what goes wrong otherwise."""

    text: Text
    why: Text


def _required(zh: str, en: str, why_zh: str, why_en: str) -> Requirement:
    return Requirement(Text(zh=zh, en=en), Text(zh=why_zh, en=why_en))


REQUIREMENTS = {
    "capabilities-honest": _required(
        "声明的能力都能做到；未声明的以 Misconfigured 拒绝且不发送任何内容。",
        "What is declared can be done; what is not declared is refused with Misconfigured and sends nothing.",
        "引擎只按声明行事，流程编译也以它为准。",
        "The engine acts on the declaration alone, and definitions are checked against it.",
    ),
    "quiet-making": _required(
        "构造和关闭适配器不产生网络访问，可重复关闭。",
        "Making and closing an adapter touches no wire; it may be closed twice.",
        "对方停机时 worker 也要能启动。",
        "A worker has to start while the province is down.",
    ),
    "settle-time": _required(
        "不识别幂等键的省份：说明如何按业务编号查找，以及未答复的请求最长可能在途多久。",
        "Without keys: it says how a matter is found by business number, and how long a request may be under way.",
        "过早的“没查到”之后重送，就会办理两次。",
        "Sending again after a premature “not found” is how an effect happens twice.",
    ),
    "health-true": _required(
        "health 只在对方应答、省份正确且认可我方密钥时返回。",
        "health returns only when the province answers, is the right one and believes our keys.",
        "它决定暂停的省份何时恢复。",
        "It decides when a province that was paused is called again.",
    ),
    "identified": _required(
        "请求以约定的密钥表明身份；密钥错误时抛出 Misconfigured，且没有任何办理。",
        "Requests prove who calls; with wrong keys it raises Misconfigured and nothing is done.",
        "密钥错误要由运维处理，重试无益。",
        "Wrong keys are an operator's; repeating does not mend them.",
    ),
    "signed-time": _required(
        "签名使用设置给出的时钟；对方因时间拒绝时抛出 Misconfigured。",
        "Signatures use the clock of the settings; a refusal for their age is Misconfigured.",
        "时钟偏差是部署问题，不是对方停机。",
        "A wrong clock is a fault of the installation, not an outage of the province.",
    ),
    "clock-skew": _required(
        "双方时钟相差两分钟时照常办理。",
        "Two minutes between the clocks do no harm.",
        "真实机房的时钟不会完全一致。",
        "Clocks of real houses never agree entirely.",
    ),
    "signed-once": _required(
        "每个请求的签名各不相同；被重放的请求不产生第二次办理。",
        "No two requests are signed alike; a replayed one has no second effect.",
        "线路上的旁听者不应能代我方再办一次。",
        "Whoever listens on the line must not be able to act in our name.",
    ),
    "signed-path": _required(
        "签名覆盖路径：改送他处的请求不办理，适配器报错。",
        "The signature covers the path: sent elsewhere, a request has no effect, and the adapter raises.",
        "否则一次通报可以被改成一次撤销。",
        "Otherwise a notification could be turned into a reversal.",
    ),
    "signed-body": _required(
        "签名覆盖正文：改动一字节即不办理，适配器报错。",
        "The signature covers the body: with one byte changed it has no effect, and the adapter raises.",
        "否则金额和人名可以在途中被改。",
        "Otherwise amounts and names could be changed on the way.",
    ),
    "keys-rotate": _required(
        "密钥更换无需重建适配器；轮换期间首个密钥用于签名，全部用于验证。",
        "Keys are exchanged under a living adapter; while they rotate the first signs and all verify.",
        "更换密钥不应停机，也不应丢回调。",
        "Rotating a key must neither stop the house nor lose callbacks.",
    ),
    "secret-stays": _required(
        "签名密钥不出现在任何请求中。",
        "A signing secret never stands in a request.",
        "报文会进入对方和网关的日志。",
        "Requests end up in the logs of gateways.",
    ),
    "submit-taken": _required(
        "提交得到对方的业务编号；每个键一件，互不相混。",
        "A submission gets the province's number; each key is one matter, and none are mixed up.",
        "编号是与对方核对的唯一依据。",
        "The number is what both sides reconcile by.",
    ),
    "key-once": _required(
        "同键同文只有一次办理和同一答复；同键异文不被受理。",
        "The same key and content has one effect and one answer; with other content it is not taken.",
        "活动可能执行两次，办理只能一次。",
        "An activity can run twice; an effect may not.",
    ),
    "lost-answer": _required(
        "发送之后失去答复即 Ambiguous；此后可以查到真实结果。",
        "An answer lost after sending is Ambiguous; the true outcome can be found afterwards.",
        "把已办的说成未办，就会办理两次。",
        "Calling undone what was done is how an effect happens twice.",
    ),
    "names-matter": _required(
        "请求中完整写明键，或按 business_number 的业务编号。",
        "A request names its key in full, or the number that business_number tells.",
        "没有它，任何一方都无法核对一件事项。",
        "Without it neither side can reconcile a matter.",
    ),
    "no-retries": _required(
        "适配器从不自行重送。",
        "The adapter never sends anything again by itself.",
        "是否重送由引擎在查找之后决定。",
        "Whether to send again is the engine's decision, after it has looked.",
    ),
    "answer-is-its-own": _required(
        "核对答复所指的键；他件的答复不被接受。",
        "The answer is checked to be about the key that was sent; another's is not believed.",
        "网关错配会把别人的结果记到本案。",
        "A mixed-up gateway would put another's result into the case.",
    ),
    "find-known": _required(
        "find 返回与答复一致的结果，也包括被拒的和一案中的任何一件。",
        "find returns what was answered, refusals included, and any one of many matters of a case.",
        "引擎据此决定不再发送。",
        "The engine decides by it not to send again.",
    ),
    "find-unknown": _required(
        "对方从未见过的键返回 None。",
        "A key the province never saw gives None.",
        "引擎据此决定可以发送。",
        "The engine decides by it that it may send.",
    ),
    "find-no-effect": _required(
        "find 从不产生办理。",
        "find never has an effect.",
        "查找会被反复调用。",
        "It is called over and over.",
    ),
    "find-not-never": _required(
        "得不到可靠答复的 find 抛出错误，绝不返回 None。",
        "A find that got no reliable answer raises; it never returns None.",
        "把“不知道”当作“没见过”，就会办理两次。",
        "Taking “cannot tell” for “never seen” is how an effect happens twice.",
    ),
    "pending-told": _required(
        "在办的先答复 pending，给出合理的查询间隔和所需补正，之后可查到终局。",
        "What takes time is pending first, with a sane pause and what is wanted; its end is found later.",
        "案件总要知道在等谁、等多久。",
        "A case must always know whom it waits for, and how long.",
    ),
    "pending-callback": _required(
        "声明回调的省份，终局以回调告知，拒绝附理由和双语说明。",
        "Where callbacks are declared the end is called back, a refusal with its reasons and texts.",
        "否则案件要等到下次查询。",
        "Otherwise the case waits for the next look.",
    ),
    "query-tells": _required(
        "query 按对方编号说明进度，不改变任何事。",
        "query tells how far a matter is by the province's number, and changes nothing.",
        "窗口人员据此答复申请人。",
        "Clerks answer applicants from it.",
    ),
    "callback-read": _required(
        "真实回调读出事件号、键和结果；报头名不分大小写。",
        "A true callback is read: event id, key and outcome; header names in any case.",
        "中间网关会改写报头名。",
        "Gateways rewrite header names.",
    ),
    "callback-signed": _required(
        "只相信签名完整的回调：改动、改送、缺签、他人密钥、反射的请求与答复一律拒绝。",
        "Only what is signed in full is believed: changed, moved, unsigned, another's key, our own reflected: refused.",
        "回调地址人人可达，伪造的回调就是伪造的决定。",
        "Anybody can reach the address; a forged callback is a forged decision.",
    ),
    "callback-fresh": _required(
        "过期或来自未来的回调以 stale 拒绝。",
        "A callback that is too old or from the future is refused as stale.",
        "旧消息不得在状态变化后重新生效。",
        "An old message must not come into force again.",
    ),
    "callback-event": _required(
        "同一封信总是读出同一事件号和同一内容。",
        "The same letter always reads as the same event, saying the same.",
        "收件登记靠事件号去重。",
        "The inbox tells duplicates by it.",
    ),
    "callback-once": _required(
        "重复、迟到、颠倒、矛盾、陌生的回调都不改变已知终局。",
        "Duplicate, late, reordered, contradictory and unknown callbacks do not change an end that is known.",
        "回调至少送一次，次序不定。",
        "Callbacks come at least once and in any order.",
    ),
    "callback-malformed": _required(
        "残缺或巨大的回调只抛出 CallbackRefused，且很快。",
        "A malformed or huge callback raises CallbackRefused, nothing else, and at once.",
        "任何人都可以发来任何字节。",
        "Anybody can send any bytes.",
    ),
    "refusal-is-answer": _required(
        "业务拒绝是答复，带理由代码和双语说明，同键再问不变。",
        "A business refusal is an answer with reason codes and a text in zh and en, the same when asked again.",
        "申请人有权知道理由。",
        "Applicants have a right to the reasons.",
    ),
    "retry-after-heard": _required(
        "429 和 503 是 Unavailable，Retry-After 的秒数或日期原样传递。",
        "429 and 503 are Unavailable, and Retry-After is passed on, as seconds or as a date.",
        "不理会它会压垮正在恢复的省份。",
        "Ignoring it brings down a province that is getting up.",
    ),
    "retry-after-sane": _required(
        "无论 Retry-After 写什么，等待在零到一小时之间或交由引擎决定。",
        "Whatever Retry-After says, the pause is between nothing and an hour, or the engine's own.",
        "一个错误的报头不应让案件停一百年。",
        "One wrong header must not hold a case for a century.",
    ),
    "unavailable-nothing-done": _required(
        "连接被拒、对方声明“忙”是 Unavailable，且确实没有办理。",
        "A refused connection and the province's own “busy” are Unavailable, and indeed nothing is done.",
        "只有这时才可以不查找直接重送。",
        "Only then may it be sent again without looking.",
    ),
    "ambiguous-after-sending": _required(
        "发送之后的断线、截断、其他 5xx 都是 Ambiguous。",
        "After sending, broken lines, cut-off answers and any other 5xx are Ambiguous.",
        "办理可能已经发生。",
        "The effect may exist.",
    ),
    "misconfigured-told": _required(
        "401、403、404 和不存在的事项交由人处理，不重试。",
        "401, 403, 404 and services that do not exist are for a person, not for repeating.",
        "重试不会让地址变对。",
        "Repeating does not mend an address.",
    ),
    "reversal-nets-zero": _required(
        "撤销之后台账净额为零：已办的、在办的、从未见过的，再撤也不变。",
        "After a reversal the ledger nets zero: of what is done, in progress or never seen, and however often.",
        "补偿必须可靠且可重复。",
        "Compensation must be reliable and repeatable.",
    ),
    "withdrawal": _required(
        "撤回只对在办的生效；已办结的被拒；重复不变。",
        "A withdrawal acts on what is in progress only; what is done is refused; repeating changes nothing.",
        "申请人撤回后不得再有办理。",
        "Nothing may take effect after a confirmed withdrawal.",
    ),
    "supplement": _required(
        "补正只收一次，事项随后办结；无需补正的被拒。",
        "A supplement is taken once and the matter goes on; where nothing is wanted it is refused.",
        "补正期限在对方计算。",
        "The time for it runs at the province.",
    ),
    "evidence-shown": _required(
        "出示证照不留痕迹；查无是带理由的拒绝。",
        "Evidence is shown without a trace; what is not there is a refusal with a reason.",
        "申请人尚未同意使用。",
        "The applicant has not agreed to its use yet.",
    ),
    "evidence-released": _required(
        "释放的证照与出示的一致，只登记一次。",
        "What is released is what was shown, and is written down once.",
        "申请人同意的是所见的内容。",
        "The applicant agreed to what was seen.",
    ),
    "evidence-verified": _required(
        "核验能区分真伪。",
        "Verification tells genuine from invented.",
        "否则核验没有意义。",
        "Otherwise it is no verification.",
    ),
    "licence-number": _required(
        "校验位错误的电子证照标识不被接受。",
        "An e-licence identifier with a wrong check character is not taken.",
        "错误标识会印在下一张证照上。",
        "A wrong one would be printed on the next licence.",
    ),
    "consultation": _required(
        "商请得到同意或带理由的不同意。",
        "A consultation ends in consent, or in an objection with reasons.",
        "下一步取决于它。",
        "The next step depends on it.",
    ),
    "notification": _required(
        "通报被收下，登记一次。",
        "A notification is taken and written down once.",
        "通报是法定义务。",
        "Telling is a legal duty.",
    ),
    "time-bounded": _required(
        "整个交换在设置的时间内结束，无论对方如何拖延。",
        "A whole exchange ends within the settings' time, however the province drags it out.",
        "活动的租约有限，重叠的两次执行会重送。",
        "An activity's lease is short; two runs that overlap send twice.",
    ),
    "size-bounded": _required(
        "过大、过深、压缩的答复不读完；过大的请求被明确拒绝。",
        "Answers that are too large, too deep or compressed are not read to the end; too large a request is final.",
        "一个答复不应耗尽 worker 的内存。",
        "One answer must not use up a worker's memory.",
    ),
    "unreadable-is-unknown": _required(
        "读不懂的答复绝不算受理。",
        "An answer that cannot be read is never taken for accepted.",
        "维护页面常以 200 返回。",
        "Maintenance pages come with 200.",
    ),
    "no-redirects": _required(
        "不跟随重定向。",
        "Redirects are not followed.",
        "否则个人信息会送到未经配置的地址。",
        "Otherwise personal data goes where nobody configured it to go.",
    ),
    "private-addresses": _required(
        "未经许可不连接内网和本机地址，也不连接解析到它们的域名。",
        "Without leave it connects to no private or local address, nor to a name that means one.",
        "配置错误不应让引擎探测内网。",
        "A slip in a file must not make the engine probe the house's own network.",
    ),
    "no-cookies": _required(
        "不保存 Cookie。",
        "Cookies are not kept.",
        "适配器在两次调用之间不保存状态。",
        "An adapter keeps no state between calls.",
    ),
    "no-proxies": _required(
        "环境变量中的代理不起作用。",
        "Proxies of the environment do not exist.",
        "个人信息只走配置的路径。",
        "Personal data goes the configured way only.",
    ),
    "route-is-plain": _required(
        "部门名和事项名不能改变路径或报头。",
        "Names of departments and services cannot change the path or the headers.",
        "名称来自定义文件，不应成为攻击手段。",
        "They come from definition files and must not become a tool.",
    ),
    "characters-kept": _required(
        "任何字符原样到达、原样返回。",
        "Every character arrives and comes back as it was.",
        "姓名错一个字就是另一个人。",
        "A name with one wrong character is another person.",
    ),
    "unsendable-refused": _required(
        "无法编码的文字在发送之前以 ContractBroken 拒绝。",
        "Text that cannot be encoded is refused with ContractBroken before anything is sent.",
        "替换成问号就是悄悄改名。",
        "A question mark in its place is a silent change of name.",
    ),
    "money-exact": _required(
        "金额精确到分，往返不变。",
        "Money is exact to the fen, there and back.",
        "二进制小数无法表示一角。",
        "Binary fractions cannot hold a tenth.",
    ),
    "money-whole": _required(
        "不是整数分的金额在发送之前被拒。",
        "What is no whole number of fen is refused before anything is sent.",
        "舍入不是适配器的决定。",
        "Rounding is not an adapter's decision.",
    ),
    "batch-complete": _required(
        "日终文件含当日办结的每一件；当日未结束则返回 None。",
        "The file of a day holds every matter that ended on it; before the day has ended it is None.",
        "对账以它为准。",
        "Reconciliation rests on it.",
    ),
    "batch-totals": _required(
        "与自身合计或摘要不符的文件不被接受。",
        "A file that contradicts its own totals or digest is not taken.",
        "半个文件看起来像是有案件消失了。",
        "Half a file looks as if matters had vanished.",
    ),
    "errors-tell-nothing": _required(
        "错误文字和地址中没有密钥，也没有申请内容。",
        "Neither error texts nor addresses hold secrets or what people have applied with.",
        "它们会进入日志和运维页面。",
        "They end up in logs and on operators' pages.",
    ),
    "minimal": _required(
        "只发送被要求的内容。",
        "Nothing is sent that was not asked for.",
        "最小必要原则（个人信息保护法第六条）。",
        "Minimisation (PIPL art. 6).",
    ),
}

"""Writes requests.jsonl and requests_test.jsonl: a labelled data set that has nothing to do with the police.

Digests of a citizens' hotline (市民热线), authored for the tests: 24 labels, several or none a sentence,
sentences grouped by digest, fields and labels with names of their own. The same every time:

    python tests/data/foreign/make.py
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

#: Label -> how people put it.
PROBLEMS = {
    "噪声扰民": (
        "楼下歌厅凌晨还在放音响，吵得人睡不着 夜里十一点广场舞的喇叭声很大 隔壁装修午休时间电钻声不停 "
        "酒吧的低音炮震得窗户嗡嗡响 工地通宵打桩的噪声让老人心慌 高音喇叭叫卖从早吵到晚 "
        "夜间飙车的轰鸣声扰人清梦"
    ),
    "占道经营": (
        "水果摊占着人行道，行人只能走到马路上 流动摊贩把盲道堵得严严实实 烧烤摊把桌椅摆到了非机动车道 "
        "早点摊占用公交站台卖豆浆油条 店铺把货物堆到门外的人行道上 夜市摊位越摆越宽占了半条街 "
        "卖菜的三轮车占道吆喝"
    ),
    "违章停车": (
        "消防栓前总停着私家车 小区门口被乱停的面包车堵住出不来 路口画了黄线仍有人停车 货车整夜停在学校门前 "
        "共享单车乱停放挡住坡道 双排停车让公交拐不过弯 僵尸车占着车位两年没人挪"
    ),
    "路灯故障": (
        "整条巷子的路灯都不亮 路灯一闪一闪像要坏了 灯杆被撞歪后一直没人修 天黑后桥上的照明灯全灭 "
        "路灯白天亮着晚上反而熄灭 公园步道的庭院灯坏了大半 新装的路灯还没通上电"
    ),
    "道路破损": (
        "柏油路面坑坑洼洼，电动车颠得厉害 人行道地砖松动一踩就溅泥水 路面塌了一个大坑 "
        "施工回填后路面高低不平 减速带断成几截露出钉子 路缘石被压碎没有修补 水泥路开裂长出了草"
    ),
    "井盖缺失": (
        "雨水井的井盖不见了，用树枝插着提醒 井盖破了一角差点崴脚 通信井盖高出路面一截 井盖一压就哐当响 "
        "下水井口敞着没人管 井盖下陷成了小水坑 绿地里的井盖被人偷走"
    ),
    "垃圾清运": (
        "垃圾桶满了三天没人收 生活垃圾堆到了楼道口 清运车漏了一路的渗滤液 建筑垃圾倒在河边没人清 "
        "分类投放点撤走后到处是垃圾袋 厨余桶发臭招来苍蝇 拆迁后的废料一直没有拉走"
    ),
    "污水外溢": (
        "化粪池冒溢，污水流到院子里 下水管道堵塞返水进了一楼 雨天污水从井口往外冒 "
        "饭店把泔水直接倒进雨水篦子 排水沟里的黑水臭气熏人 管道破裂污水漫过了车库 洗车店的脏水流了一条街"
    ),
    "供水停水": (
        "自来水停了一整天没有通知 水龙头里流出黄水 高层水压太低洗不了澡 水表一直在转怀疑暗管漏水 "
        "二次供水水箱好久没清洗 水管爆裂后迟迟没有来水 停水通知与实际时间对不上"
    ),
    "供电停电": (
        "变压器老化一到晚上就跳闸 停电通知没有说明恢复时间 电线垂到窗边很危险 电表箱门敞开线头外露 "
        "用电高峰电压不稳烧了冰箱 临时停电让孤寡老人的制氧机停了 电线杆倾斜压着屋檐"
    ),
    "燃气安全": (
        "楼道里能闻到天然气的味道 燃气表报警没人上门检查 煤气罐堆在饭店后厨门口 燃气管道被广告牌压着 "
        "热水器烟道装得不合规范 通气点火预约排不上号 燃气软管老化多年没有更换"
    ),
    "暖气不热": (
        "供暖半个月了室温只有十四度 暖气片上热下凉 顶楼供热管道有气不循环 交了取暖费暖气还是冰的 "
        "地暖分水器漏水没法供热 换热站停运全楼受冻 供热公司说测温却没有来"
    ),
    "公交线路": (
        "公交改道后要多走两站路 末班车收得太早赶不上 公交等了四十分钟不来一趟 站牌信息和实际线路不符 "
        "希望增设到医院的公交线路 公交司机到站不停车 敬老卡刷不上公交的机器"
    ),
    "物业收费": (
        "物业费涨价没有征求业主意见 物业收了停车费不给发票 公共收益从来没有公示 物业把电费加价收取 "
        "不交物业费就停门禁卡 装修押金迟迟不退 物业乱收垃圾清理费"
    ),
    "电梯故障": (
        "电梯困人半小时才有人来 电梯门反复开合关不上 电梯下坠了两层才停住 电梯检验合格证过期了 "
        "电梯坏了老人下不了楼 轿厢里的对讲按钮没有反应 一台电梯停用半年等配件"
    ),
    "违章搭建": (
        "顶楼住户私自加盖彩钢房 一楼把绿地圈起来盖了小院 有人在天井搭棚子住人 阳台外挑搭建了一间厨房 "
        "沿街门面往外搭建雨棚 楼顶搭的阳光房遮了采光 河堤上的违建拆了又盖"
    ),
    "消防通道": (
        "消防通道被铁链锁住 楼梯间堆满旧家具逃生不便 安全出口的门被杂物顶死 消防车道画线被电动车占满 "
        "灭火器压力不足没有更换 地下室消火栓里没有水带 疏散指示灯整层不亮"
    ),
    "绿化养护": (
        "行道树的枝条伸进窗户 草坪枯黄没人浇水 树上生虫掉得满地都是 树根拱起了人行道 枯树枝随时会掉下来 "
        "绿篱长得太高挡住视线 新栽的树苗死了一片"
    ),
    "流浪动物": (
        "流浪猫在车底盘里做窝 一群野狗在垃圾站附近追人 流浪狗咬了放学的孩子 有人在楼道喂流浪猫弄得很脏 "
        "野鸽子的粪便落满阳台 被遗弃的小狗在雨里叫 蛇钻进了一楼住户的厨房"
    ),
    "工地扬尘": (
        "工地裸土没有覆盖，刮风全是灰 渣土车不冲洗就上路 拆迁现场没有洒水降尘 搅拌站的粉尘落满窗台 "
        "土方作业扬尘让人睁不开眼 围挡破损黄土飞到街上 堆料场的沙子没有苫盖"
    ),
    "油烟污染": (
        "饭店排烟口对着居民窗户 烧烤的烟把楼道熏黑 油烟净化器从来不开 早餐店炸油条的油烟直排 "
        "烟道串味家里全是辣椒味 露天炒栗子烟雾呛人 厨房油垢顺着外墙往下流"
    ),
    "学校招生": (
        "学区划分和去年不一样 随迁子女入学要哪些材料 幼儿园摇号结果没有公开 转学手续来回跑了几趟 "
        "小学报名系统打不开 初中分班办法没有说明 适龄儿童入学年龄差一天"
    ),
    "医保报销": (
        "异地住院医保报销被退回 门诊慢性病认定等了两个月 医保卡在药店刷不了 生育津贴迟迟没有到账 "
        "职工医保转移接续没有结果 住院押金与报销比例算不清 医保缴费年限查询出错"
    ),
    "欠薪维权": (
        "包工头拖欠民工工资半年 餐馆倒闭后欠着服务员两个月工资 公司不签劳动合同也不发加班费 "
        "离职后单位扣押工资不给 工程完工劳务费没有结清 老板失联三十多人讨薪 实习补贴一直没有发放"
    ),
}
DISTRICTS = ("北湖区", "南山区", "东桥区", "西林区", "云溪县")
PLACES = (
    "和平路中段 幸福里小区三号楼 老纺织厂家属院 滨河公园东门 第二中学对面 商贸城后街 锦绣花园一期 "
    "火车站广场 建设巷口 阳光新村 体育场西侧 水产市场附近 教师公寓 开发区创业大厦 古城墙根 桂花苑北区 "
    "城关镇政府旁 钟楼大街 红旗桥头 万达广场背面 翠竹园 矿务局宿舍 汽车南站 职工医院门前 柳林村二组 "
    "新华书店门口 望江楼小区 钢铁厂三生活区"
).split()
CALLERS = (
    "市民李女士来电称 一位老人反映 有群众多次投诉 王先生打来电话说 住户联名反映 网友留言说 租客小陈称 "
    "商户代表反映 家长们来电说 环卫工人说 路过的司机反映 社区网格员上报"
).split()
ENDS = (
    "希望尽快处理 请有关部门到现场看看 问什么时候能解决 已经拨打过两次热线 盼给一个答复 要求书面回复 "
    "建议加强巡查 担心出事 不知道该找谁 承办单位答应三天内办结 工单已转街道 回访时仍未解决 希望能有长久办法 "
    "请求协调各方"
).split()
NONE = (
    "本期共受理来电{n}件，较上期略有下降。 热线办组织话务员学习了新的受理规范。 "
    "满意率为百分之{m}，排名全市第{k}。 以下为本期诉求摘要。 各承办单位要在{k}个工作日内反馈办理结果。 "
    "回访组随机抽取了{m}张工单核对。 请各单位指定专人对接。 热线办负责人到场听取了意见。 "
    "会议通报了第{k}季度的办理情况。 感谢市民对热线工作的理解。 下期摘要将于{k}日发布。 "
    "话务高峰出现在上午{k}点前后。"
).split()


def write(path: Path, numbers: range, seed: int) -> None:
    """Write one digest a number, each with a title and a few paragraphs."""
    rng = random.Random(seed)
    rows = [row for number in numbers for row in _digest(number, rng)]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def _digest(number: int, rng: random.Random) -> Iterator[dict[str, object]]:
    district = DISTRICTS[number % len(DISTRICTS)]
    rows: list[tuple[int, str, list[str]]] = [(0, f"{district}市民热线诉求摘要（第{number}期）", [])]
    rows += [(1, text, []) for text in _none(rng, 2)]
    for paragraph in range(2, 5):
        rows += [(paragraph, *_request(rng)) for _ in range(rng.randint(2, 3))]
    rows += [(5, text, []) for text in _none(rng, 1)]
    for paragraph, text, labels in rows:
        yield {"工单": f"{number:03}", "段": paragraph, "区县": district, "内容": text, "标签": labels}


def _request(rng: random.Random) -> tuple[str, list[str]]:
    labels = rng.sample(sorted(PROBLEMS), 2 if rng.random() < 0.25 else 1)
    told = "，而且".join(rng.choice(PROBLEMS[label].split()) for label in labels)
    return f"{rng.choice(CALLERS)}{rng.choice(PLACES)}{told}，{rng.choice(ENDS)}。", labels


def _none(rng: random.Random, n: int) -> list[str]:
    numbers = {"n": rng.randint(120, 990), "m": rng.randint(81, 99), "k": rng.randint(3, 9)}
    return [text.format(**numbers) for text in rng.sample(NONE, n)]


if __name__ == "__main__":
    here = Path(__file__).parent
    write(here / "requests.jsonl", range(1, 49), seed=12345)
    write(here / "requests_test.jsonl", range(101, 111), seed=54321)

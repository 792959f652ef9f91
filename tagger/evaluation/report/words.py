"""The report's own words, in Chinese and English; Chinese labels carry the English term where it is short."""

from __future__ import annotations

from tagger.domains import Domain

LANGUAGES = ("zh", "en")
#: Key -> (Chinese, English); names in braces are filled in.
_WORDS = {
    "title": ("实验报告", "Experiment report"),
    "contents": ("目录", "Contents"),
    "out_of_fold": ("折外预测 out-of-fold", "out of fold"),
    "test": ("测试集 test", "test set"),
    "sentence": ("句 sentence", "sentence"),
    "paragraph": ("段落 paragraph", "paragraph"),
    "bulletin": ("通报 bulletin", "bulletin"),
    "based_on": (
        "{n_runs} 次运行；以下图表依据{part}的分数，{n_texts} 句、{n_bulletins} 篇通报。"
        "方括号内为按通报重抽样（bootstrap）的 95% 区间。",
        "{n_runs} runs; plots and tables are of {part} scores, {n_texts} sentences of {n_bulletins} bulletins. "
        "In brackets, "
        "95 % intervals by bootstrap over bulletins.",
    ),
    "drawn": (
        "图中只画 {n_drawn} 个配置（按 micro-F1 从高到低，每个配置取第一个种子）：{names}。",
        "Plots show {n_drawn} configurations, the best by micro-F1, each by its first seed: {names}.",
    ),
    "other_sizes": (
        "各次运行评分的句数不同，区间与数值不可直接相比；逐对比较只用共有的句子。",
        "The runs were scored on different numbers of sentences: their figures are not of the same texts. "
        "Comparisons in pairs use the sentences in common.",
    ),
    "missing_glyphs": (
        "图中字体缺少以下字符，图内以编码代替：{found}。",
        "The font of the plots lacks these characters; plots show their code instead: {found}.",
    ),
    # Overview.
    "overview": ("总览", "Overview"),
    "run": ("运行 run", "run"),
    "kind": ("模型 model", "model"),
    "seed": ("种子 seed", "seed"),
    "part": ("分数 scores", "scores"),
    "level": ("层级 level", "level"),
    "n_units": ("数量 n", "n"),
    "f1_micro": ("micro-F1", "micro-F1"),
    "f1_macro": ("macro-F1", "macro-F1"),
    "precision": ("精确率 precision", "precision"),
    "recall": ("召回率 recall", "recall"),
    "exact": ("完全一致 exact match", "exact match"),
    "hamming": ("汉明损失 Hamming", "Hamming loss"),
    "ap": ("平均精度 AP", "average precision"),
    "ece": ("校准误差 ECE", "calibration error (ECE)"),
    "support": ("样本数 support", "support"),
    "agreement_row": ("人与人 people", "people"),
    "agreement_note": (
        "“人与人”一行：第二位标注者对照第一位的分数，{n_texts} 句，可视为模型的上限。",
        "The row “people” scores a second annotator against the first on {n_texts} sentences: a ceiling for models.",
    ),
    "other_bulletins_note": (
        "上表的阈值就在这些分数上选定，因而数值偏高；下表中每篇通报用其余通报上选定的阈值标注，引用时应以此为准。",
        "Above, thresholds were chosen on the very scores that are measured, which flatters the figures. Below, each "
        "bulletin is tagged by thresholds of the others: the figures to state.",
    ),
    "f1_micro_other": ("micro-F1，阈值取自其余通报", "micro-F1, thresholds of other bulletins"),
    "f1_macro_other": ("macro-F1，阈值取自其余通报", "macro-F1, thresholds of other bulletins"),
    "micro_flattered": ("micro-F1 高估（百分点）", "micro-F1 flattered by, points"),
    "macro_flattered": ("macro-F1 高估（百分点）", "macro-F1 flattered by, points"),
    # Comparison.
    "comparison": ("两两比较", "Comparison in pairs"),
    "comparison_note": (
        "只用所有运行共有的 {n_units} 句（{n_bulletins} 篇通报）。差值单位为百分点；配对 bootstrap 按通报重抽样 "
        "{n_resamples} 次；"
        "p 值经 Holm 校正。McNemar 检验视各句为独立，故其 p 值偏小。",
        "On the {n_units} sentences ({n_bulletins} bulletins) that all runs share. Differences in points; paired "
        "bootstrap "
        "over bulletins, {n_resamples} resamples; p-values corrected after Holm. McNemar's test takes sentences for "
        "independent, which makes its p-values too small.",
    ),
    "other_folds": (
        "注意：{others} 与 {first} 的折（fold）划分不同，同一句在各次运行中由不同数据训练的模型评分，"
        "配对检验未计入这一差异。以 split.file=RUN/split.json 训练可使划分一致。",
        "Mind: {others}: not of the same folds as {first}. A sentence was scored by models trained on other bulletins, "
        "which the tests in pairs do not know. split.file=RUN/split.json trains on the same folds.",
    ),
    "not_compared": ("没有比较：{why}", "Not compared: {why}"),
    "pair": ("比较 pair", "pair"),
    "domain": ("领域 domain", "domain"),
    "difference": ("差值 difference", "difference"),
    "interval": ("95% 区间", "95 % interval"),
    "p_holm": ("p（Holm）", "p (Holm)"),
    "mcnemar": ("McNemar p（Holm）", "McNemar p (Holm)"),
    "only_right": ("仅一方正确 only one right", "only one right"),
    "better": (
        "{ahead} 优于 {behind}：{metric} 高 {gap} 个百分点 [{low}, {high}]，{better} 对 {worse}。",
        "{ahead} is better than {behind} by {gap} points of {metric} [{low}, {high}], {better} against {worse}.",
    ),
    "open": (
        "分不出高下：{ahead} 比 {behind} 的 {metric} 高 {gap} 个百分点 [{low}, {high}]，{better} 对 {worse}。",
        "No difference can be told: {ahead} is ahead of {behind} by {gap} points of {metric} [{low}, {high}], "
        "{better} against {worse}.",
    ),
    "too_few": (
        "分不出高下：{n_bulletins} 篇通报太少；{ahead} 比 {behind} 的 {metric} 高 {gap} 个百分点，{better} 对 "
        "{worse}。",
        "No difference can be told: {n_bulletins} bulletins are too few; {ahead} is ahead of {behind} by {gap} "
        "points of "
        "{metric}, {better} against {worse}.",
    ),
    "few_warning": (
        "通报不足 20 篇，区间偏窄。", "Fewer than 20 bulletins: the interval is too narrow."
    ),
    "settings": ("设置差异 settings", "settings that differ"),
    "setting": ("设置 setting", "setting"),
    "spread": ("种子的影响", "What the seed alone does"),
    "mean": ("均值 mean", "mean"),
    "sd": ("标准差 sd", "sd"),
    "range": ("范围 range", "range"),
    "n_seeds": ("种子数 seeds", "seeds"),
    # By domain.
    "by_domain": ("各领域 F1", "F1 by domain"),
    "bars_alt": ("各领域 F1 与 95% 区间", "F1 by domain with 95 % intervals"),
    "ceiling": ("人与人一致 people", "people’s agreement"),
    "pr": ("精确率—召回率曲线", "Precision and recall"),
    "pr_note": (
        "标记处为该领域阈值所选的点；括号内为平均精度（AP），依次对应图例中的运行。",
        "The mark is the point that the domain’s threshold chooses; in brackets, average precision, in the order "
        "of the legend.",
    ),
    "pr_note_many": ("标记处为该领域阈值所选的点。", "The mark is the point that the domain’s threshold chooses."),
    "pr_alt": ("各领域精确率—召回率曲线", "Precision-recall curves by domain"),
    "reliability": ("可靠性曲线", "Reliability"),
    "reliability_note": (
        "分数分为十个等宽区间；竖线为 Wilson 95% 区间（视各句为独立）；不足 5 句的区间不画。对角线上为完全校准。",
        "Ten bins of equal width; the strokes are Wilson’s 95 % intervals (sentences taken for independent); bins of "
        "fewer than 5 sentences are left out. "
        "On the diagonal, scores are what they promise.",
    ),
    "reliability_alt": ("各领域可靠性曲线", "Reliability curves by domain"),
    "mean_score": ("平均分数 mean score", "mean score"),
    "share_positive": ("实际比例 share positive", "share that is positive"),
    "confusion": ("误标混淆", "Confusions"),
    "confusion_note": (
        "第 i 行第 j 列：句子属于领域 i 却漏标，同时误标了领域 j。对角线（斜体）为标对的句数，不着色；"
        "末行为只有多标、末列为只有漏标，另用浅色标度。",
        "Row i, column j: sentences of domain i in which i was missed and j wrongly tagged. On the diagonal, in "
        "italics "
        "and not shaded, what was found; the last row (only wrong) and column (only missed) have a paler scale "
        "of their own.",
    ),
    "confusion_alt": ("误标混淆矩阵：{name}", "Matrix of confusions: {name}"),
    "meant": ("应标 meant", "meant"),
    "tagged_instead": ("误标为 tagged instead", "tagged instead"),
    "none_tagged": ("只漏 only missed", "only missed"),
    "none_meant": ("多标 nothing meant", "nothing meant"),
    # Learning, thresholds, cost, review, training.
    "learning": ("学习曲线", "Learning curves"),
    "learning_note": (
        "只有训练数据比例（data.share）不同的运行连成一线；同一比例有几个种子时取均值，阴影为第一个种子的 95% 区间。",
        "Runs that differ in data.share alone make a line; the mean where there are several seeds; the band is "
        "the 95 % "
        "interval of the first.",
    ),
    "learning_alt": ("学习曲线：训练通报数与 micro-F1", "Learning curves: bulletins trained on, and micro-F1"),
    "n_trained": ("训练用通报 bulletins trained on", "bulletins trained on"),
    "thresholds": ("阈值的收益", "What choosing thresholds gains"),
    "thresholds_note": (
        "每种阈值都在其余通报上选定、在留出通报上计分；括号内为相对统一 0.5 的差（百分点）。",
        "Each way chooses on other bulletins than it is scored on; in brackets, points above 0.5 for all.",
    ),
    "half": ("0.5", "0.5 for all"),
    "shared": ("共用一个 shared", "one for all"),
    "own": ("各领域自选 own", "one a domain"),
    "shrunk": ("自选并收缩 shrunk", "one a domain, shrunk"),
    "threshold": ("阈值 threshold", "threshold"),
    "metric": ("指标 metric", "figure"),
    "cost": ("代价与 F1", "Cost against F1"),
    "cost_note": (
        "横轴为对数刻度；竖线为 micro-F1 的 95% 区间。",
        "Logarithmic scales; the strokes are 95 % intervals of micro-F1.",
    ),
    "cost_alt": ("代价与 micro-F1", "Cost against micro-F1"),
    "seconds": ("训练用时（秒）seconds", "seconds of training"),
    "size": ("模型大小（MB）size", "size of the model in MB"),
    "speed": ("每秒句数 sentences/s", "sentences a second"),
    "reading": ("训练每千句每轮用时（秒）seconds", "seconds of training, 1,000 sentences and epoch"),
    "memory": ("内存峰值（MiB）peak memory", "peak memory in MiB"),
    "gpu_memory": ("显存峰值（MiB）peak GPU memory", "peak memory of the GPU in MiB"),
    "review": ("人工复核量", "Review by a person"),
    "review_note": (
        "每个领域三种回答：是 / 请人判断 / 否。以 {precision} 的精确率和 {recall} 的召回率为承诺，"
        "在一半通报上校准，在另一半上计量，两半互换后平均。",
        "Three answers a domain: yes, ask a person, no. With a promised precision of {precision} and recall of "
        "{recall}, "
        "calibrated on one half of the bulletins and measured on the other, and the other way round.",
    ),
    "review_alt": ("各领域是/请人判断/否的比例：{name}", "Shares of yes, ask and no by domain: {name}"),
    "review_load": ("需复核 share to review", "share to review"),
    "questions": ("每单位问题数 questions", "questions a unit"),
    "yes": ("是 yes", "yes"),
    "ask": ("请人判断 ask", "ask a person"),
    "no": ("否 no", "no"),
    "yes_precision": ("“是”的精确率", "precision of yes"),
    "found": ("自动找到 found", "found"),
    "asked": ("交人判断 asked", "shown to a person"),
    "lost": ("漏掉 lost", "lost"),
    "share_of_decisions": ("判断所占比例 share of decisions", "share of the decisions"),
    "training": ("训练过程", "Training, step by step"),
    "training_alt": ("训练过程：{name}", "Training curves: {name}"),
    "step": ("步 step", "step"),
    # Errors.
    "errors": ("错例", "Errors"),
    "errors_note": (
        "每个领域列出离阈值最远（最有把握）的误标与漏标。分数为折外分数。",
        "For each domain the wrong and the missing tags farthest from the threshold, of which the model was surest. "
        "Scores are of models that did not see the bulletin.",
    ),
    "evidence_note": (
        "加底纹的字词是依据：实线支持该领域，虚线反对。依据出自最终模型，它在全部数据上训练，见过这些句子，"
        "故只作参考。",
        "Marked words are the evidence: a solid underline speaks for the domain, a dashed one against it. It is "
        "that of the "
        "final model, which was trained on all data and so has seen these sentences.",
    ),
    "false_positive": ("误标 false positives", "tagged, and wrong"),
    "false_negative": ("漏标 false negatives", "missed"),
    "score": ("分数", "score"),
    "labels": ("应标", "labels"),
    "tags": ("模型标注", "tags"),
    "nothing": ("无", "none"),
    "n_errors": ("{shown} / {total} 句", "{shown} of {total}"),
    # Provenance.
    "provenance": ("来源与环境", "Where the figures come from"),
    "data": ("数据 data", "data"),
    "split": ("划分 split", "split"),
    "version": ("模型版本 version", "model version"),
    "started": ("开始 started", "started"),
    "code": ("代码 code", "code"),
    "machine": ("机器 machine", "machine"),
    "libraries": ("库 libraries", "libraries"),
    "dirty": ("有未提交的改动", "with changes that are not committed"),
    "configuration": ("完整配置 configuration", "full configuration"),
}  # fmt: skip


class Words:
    """The words of one language.

    Parameters
    ----------
    lang : {"zh", "en"}
    """

    def __init__(self, lang: str = "zh") -> None:
        self.lang = lang
        self._column = LANGUAGES.index(lang)

    def __call__(self, key: str, **parts: object) -> str:
        """The words for a key, with its parts filled in; an unknown key is a `KeyError`."""
        text = _WORDS[key][self._column]
        return text.format(**parts) if parts else text

    def domain(self, domain: Domain) -> str:
        """What to call a domain: 交通管理 Traffic, or Traffic; its id where it has no name."""
        if self.lang == "en":
            return domain.en or domain.zh or domain.id
        return f"{domain.zh} {domain.en}".strip() or domain.id

    def list(self, parts: list[str]) -> str:
        """Several things in a row, or the word for none."""
        return ("、" if self.lang == "zh" else ", ").join(parts) or self("nothing")

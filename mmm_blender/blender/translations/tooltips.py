"""Tooltips: English, German, Japanese, Chinese."""

# fmt: off
# ruff: noqa: RUF001  # full-width punctuation is what these languages write
TOOLTIPS: tuple[tuple[str, str, str, str], ...] = (
    (
        "Generate a motion from the prompt and key it on the SMPL armature from the current frame",
        "Eine Bewegung aus dem Satz erzeugen und ab dem aktuellen Frame auf die Figur keyen",
        "プロンプトからモーションを生成し、現在のフレームからキーを打つ",
        "根据提示词生成动作，并从当前帧开始打关键帧",
    ),
    (
        "Regenerate a range of frames of a body part (Inpaint); all other keys stay as they are",
        "Einen Bereich von Frames eines Körperteils neu erzeugen; alle anderen Keys bleiben",
        "部位のフレーム範囲を再生成し、他のキーはそのまま残す",
        "重新生成某身体部位的一段帧；其他关键帧保持不变",
    ),
    (
        "Fill the range between poses set by hand: keys of the type Keyframe stay",
        "Den Bereich zwischen gesetzten Posen füllen: Keys vom Typ Keyframe bleiben",
        "手で付けたポーズの間を埋める：キーフレーム型のキーは残る",
        "填充手动姿势之间的范围：类型为关键帧的键保留",
    ),
    (
        "Generate one motion from all prompts in the list, and key it from the current frame",
        "Aus allen Sätzen der Liste eine Bewegung erzeugen und ab dem aktuellen Frame keyen",
        "リストの全プロンプトから一つのモーションを生成し、現在のフレームからキーを打つ",
        "用列表中的所有提示词生成一段动作，并从当前帧开始打关键帧",
    ),
    (
        "Keep the chosen take; the other takes of the same press go",
        "Die gewählte Fassung behalten; die anderen desselben Durchgangs gehen",
        "選んだテイクを残し、同じ回の他のテイクを消す",
        "保留所选版本；同一次生成的其他版本会被移除",
    ),
    (
        "Throw the chosen take away; the next one plays, or what there was before",
        "Die gewählte Fassung wegwerfen; die nächste spielt, oder was vorher da war",
        "選んだテイクを捨てる。次のテイクか、前のモーションを再生",
        "丢弃所选版本；播放下一个，或之前的动作",
    ),
    (
        "Put the prompt, seed and range of the chosen take into the panels, to go on from there",
        "Satz, Startwert und Bereich der gewählten Fassung in die Felder setzen",
        "選んだテイクのプロンプト・シード・範囲をパネルに戻す",
        "把所选版本的提示词、种子和范围放回面板",
    ),
    (
        "Have the motion, or the selected keys of it, go round: the model makes a seam that fits",
        "Die Bewegung oder die gewählten Keys rund machen: das Modell erzeugt eine passende Naht",
        "モーション、または選択キーをループにする：継ぎ目はモデルが作る",
        "让动作或所选关键帧循环：由模型生成合适的接缝",
    ),
    (
        "Take the way that the motion makes out of it, or put it back; steps and sway stay",
        "Den Weg der Bewegung herausnehmen oder zurückgeben; Schritte und Schwanken bleiben",
        "移動を取り除く、または元に戻す。足運びと揺れは残る",
        "去掉动作的位移，或恢复它；步伐和摆动保留",
    ),
    (
        "Replace the keys by the fewest with handles that keep every joint within a tolerance",
        "Die Keys durch möglichst wenige mit Griffen ersetzen, jedes Gelenk innerhalb der Toleranz",
        "全関節が許容誤差に収まる最少のハンドル付きキーに置き換える",
        "用尽量少的带手柄关键帧替换，使所有关节保持在容差内",
    ),
    (
        "The same prompt and seed give the same motion; another seed gives another",
        "Gleicher Satz und Startwert geben die gleiche Bewegung; ein anderer gibt eine andere",
        "同じプロンプトとシードは同じモーションに、別のシードは別のモーションになる",
        "相同的提示词和种子得到相同的动作；换种子得到另一个",
    ),
    (
        "How many motions to make at once and choose from: this seed and the next ones",
        "Wie viele Bewegungen auf einmal zur Auswahl: dieser Startwert und die nächsten",
        "一度に作って選ぶモーションの数：このシードとそれ以降",
        "一次生成供选择的动作数量：此种子及其后的种子",
    ),
    (
        "Feet that stand stay where they stand, by moving the legs",
        "Stehende Füße bleiben, wo sie stehen; die Beine gleichen es aus",
        "脚を動かして、接地した足をその場に保つ",
        "通过移动腿部，使站立的脚保持原位",
    ),
    (
        "What the body does, in a few words: 'a tired person walks forward'",
        "Was der Körper tut, in wenigen englischen Worten: 'a tired person walks forward'",
        "体の動きを短い英語で：'a tired person walks forward'",
        "用几个英文词描述身体动作：'a tired person walks forward'",
    ),
)
# fmt: on

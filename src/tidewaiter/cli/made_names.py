"""Made-up names of many tongues, and the mistakes people make in writing them: for measuring, from fixed recipes.

Given names are common ones; half of the surnames are common ones too, half are put together from syllables. That one
of a hundred thousand is somebody's name is chance.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

_TONGUES = {
    "english": (
        "james mary john patricia robert jennifer michael linda david susan thomas karen daniel nancy mark lisa paul",
        "smith jones taylor brown wilson evans walker wright clark hall green wood harris cooper ward hughes edwards",
        "ash thorn hart wick bury ley ford mere stan brook hol den gar field mar low pen combe bar ton", 24,
    ),
    "german": (
        "hans anna peter ursula klaus monika stefan petra jurgen sabine lukas lea jonas lena felix julia karl eva otto",
        "muller schmidt schneider fischer weber meyer wagner becker schulz hoffmann koch bauer richter klein wolf",
        "stein berg hof bach mann feld linden hau ser wald rei ter kel ler bru ner kraft zim", 10,
    ),
    "french": (
        "jean marie pierre nathalie michel isabelle philippe sophie louis claire nicolas camille antoine chloe hugo",
        "martin bernard dubois thomas petit durand leroy moreau simon laurent lefebvre roux fournier girard",
        "mont val le roy che vall beau lier gar nier fon taine ber tin mar chand du pre", 8,
    ),
    "spanish": (
        "jose maria antonio carmen manuel ana francisco laura luis marta carlos lucia miguel elena javier paula",
        "garcia rodriguez gonzalez fernandez lopez martinez sanchez perez gomez diaz torres ruiz ramirez flores",
        "al va ra do men tor res que sal gue ro ca ste llo vi lla mo ne", 10,
    ),
    "slavic": (
        "ivan olga sergei elena dmitri natalia alexei tatiana andrei anna pavel irina piotr ewa jan katarzyna marek",
        "ivanov petrov sidorov smirnov popov novak kowalski wisniewski horvat nowak volkov morozov lebedev",
        "bo ro gor mir slav kov ski dov ren chen ko lev nik osh tar pol yan", 10,
    ),
    "arabic": (
        "mohammed ahmed fatima ali hassan omar khalid youssef aisha ibrahim mustafa mahmoud abdullah layla karim samir "
        "abdul salem nasser rashid",
        "hussein saleh mansour haddad khoury nasser farouk hamdan al-masri al-sayed rahman karimi qasim said jaber",
        "ha dad sal mi kha lil ja ber na sir qa dri sha har mu rad za", 12,
    ),
    "chinese": (
        "wei fang min jing li na yong qiang lei jun yang xiu ying ming hua jie chao ping gang xia",
        "wang li zhang liu chen yang zhao huang zhou wu xu sun hu zhu gao lin he guo ma luo",
        "zhang wang liang song tang feng deng xiao cao peng zeng jiang pan fan", 12,
    ),
    "korean": (
        "min-jun seo-yeon ji-hoon su-bin hyun-woo ji-woo jae-won hye-jin sung-ho young-hee dong-hyun eun-ji",
        "kim lee park choi jung kang cho yoon jang lim han oh shin seo kwon hwang ahn song",
        "kim lee park choi jung kang nam gong bae min yoo moon", 4,
    ),
    "indian": (
        "amit priya rahul anjali vijay sunita sanjay kavita arjun deepa ravi meena suresh lakshmi anil pooja",
        "sharma patel singh kumar gupta reddy nair iyer mehta joshi shah verma das rao khan mishra",
        "ram krish nan chan dra sub ba ma ni ve tha kur pra sad gan war", 8,
    ),
    "turkish": (
        "mehmet ayse mustafa fatma ahmet emine ali hatice murat zeynep emre elif can deniz",
        "yilmaz kaya demir celik sahin yildiz ozturk aydin arslan dogan kilic aslan cetin kara",
        "oz kan tas de mir ay din gul er yil dir ak bas tan ka ra", 4,
    ),
    "african": (
        "kwame amina kofi ngozi chinedu fatou moussa aminata juma wanjiru themba nomsa tunde abebe",
        "okafor mensah diallo traore mwangi dlamini adeyemi tesfaye keita ndiaye otieno banda moyo",
        "o ka for men sah di al lo ade ye mi mwa nga ndi aye ken ya", 6,
    ),
}  # fmt: skip
"""Given names, surnames, syllables of surnames, and the weight of each tongue."""


def others(count: int, *, seed: int = 1) -> list[str]:
    """So many different made-up names of two or three words."""
    draw = random.Random(seed)  # noqa: S311
    tongues = [
        (given.split(), surnames.split(), syllables.split()) for given, surnames, syllables, _ in _TONGUES.values()
    ]
    weights = [weight for *_, weight in _TONGUES.values()]
    made: dict[str, None] = {}
    while len(made) < count:
        [(given, surnames, syllables)] = draw.choices(tongues, weights)
        words = [draw.choice(given)]
        if draw.random() < 0.3:
            words.append(draw.choice(given))
        is_common = draw.random() < 0.5
        words.append(draw.choice(surnames) if is_common else "".join(draw.choices(syllables, k=draw.choice((2, 3)))))
        made[" ".join(words).title()] = None
    return list(made)


def miswritten(name: str, draw: random.Random) -> tuple[str, str]:
    """The name as somebody may write it, and which mistake that is."""
    words = name.split()
    kinds = ["letter left out", "letter added", "letters swapped", "letter changed", "other spelling"]
    kinds += ["other order", "written together"] if len(words) > 1 else []
    kinds += ["middle name left out"] if len(words) > 2 else []
    kind = draw.choice(kinds)
    place = max(range(len(words)), key=lambda k: len(words[k]))
    word = words[place]
    spot = draw.randrange(1, max(2, len(word) - 1))
    match kind:
        case "letter left out":
            words[place] = word[:spot] + word[spot + 1 :]
        case "letter added":
            words[place] = word[:spot] + draw.choice("aeiounrst") + word[spot:]
        case "letters swapped":
            words[place] = word[: spot - 1] + word[spot : spot + 1] + word[spot - 1] + word[spot + 1 :]
        case "letter changed":
            words[place] = word[:spot] + draw.choice("aeiounrst") + word[spot + 1 :]
        case "other order":
            words = [words[-1], *words[:-1]]
        case "middle name left out":
            del words[draw.randrange(1, len(words) - 1)]
        case "written together":
            first = draw.randrange(len(words) - 1)
            words[first : first + 2] = [words[first] + words[first + 1]]
        case _:
            words = [_spelt(word) for word in words]
    return " ".join(words), kind


def mildly(name: str, draw: random.Random) -> tuple[str, str]:
    """The name as a careful hand writes it: four times of five in another order or case and nothing else (the
    perturbed names of OpenSanctions are so), otherwise with one mistake."""
    if draw.random() < 0.2:
        return miswritten(name, draw)
    words = name.split()
    return (" ".join([words[-1], *words[:-1]]) if draw.random() < 0.5 else name.title()), "order or case"


_SPELLINGS: Sequence[tuple[str, str]] = (
    ("MOHAMMED", "Muhammad"), ("MUHAMMAD", "Mohamed"), ("MOHAMMAD", "Mohammed"), ("ABDUL", "Abdel"), ("OU", "u"),
    ("KH", "h"), ("Q", "k"), ("EE", "i"), ("Y", "i"), ("W", "v"), ("PH", "f"), ("SH", "sch"), ("J", "dj"), ("U", "ou"),
)  # fmt: skip


def _spelt(word: str) -> str:
    for old, new in _SPELLINGS:
        if old in word.upper():
            return word.upper().replace(old, new.upper()).title()
    return word.title()

"""Names of people who do not exist, and words they say. Drawn from lists; the combinations are nobody's."""

from __future__ import annotations

from typing import Final

__all__ = ["DIRECTIONS", "FAMILY", "FEMALE", "MALE", "OTHER_SCRIPTS"]

FEMALE: Final = (
    "Aarti", "Amina", "Anne-Marie", "Bhagyashree", "Chandrika", "Devaki", "Esther", "Fatima", "Geetha", "Hemlata",
    "Indira", "Jayanthi", "Kamala", "Lakshmi", "Malathi", "Nandini", "Olivia", "Parvathi", "Radhika", "Saraswati",
    "Tenzin", "Uma", "Vasanthi", "Wangari", "Yamuna", "Zubeida",
)  # fmt: skip
MALE: Final = (
    "Abdul", "Balaji", "Chandrashekhar", "Daniel", "Eknath", "Firoz", "Ganesh", "Harish", "Ibrahim", "Jagannath",
    "Kailash", "Laxman", "Murugan", "Narayan", "Omkar", "Pandurang", "Raghunath", "Samuel", "Tukaram", "Umesh",
    "Vitthal", "William", "Yeshwant", "Zakir",
)  # fmt: skip
FAMILY: Final = (
    "Achari", "Bhil", "Chaudhari", "D Souza", "Edathil", "Fernandes", "Gond", "Hegde", "Irani", "Jadhav", "Khan",
    "Lepcha", "Madavi", "Nair", "Oraon", "Pawar", "Qureshi", "Rathod", "Shinde", "Topno", "Usendi", "Varghese",
    "Wankhede", "Xaxa", "Yadav", "Zende", "Okafor", "Lindqvist", "Morales", "Tanaka",
)  # fmt: skip
OTHER_SCRIPTS: Final = (
    ("सुनीता", "देशमुख"),
    ("முருகன்", "செல்வம்"),
    ("లక్ష్మి", "రెడ్డి"),
    ("শিউলি", "মণ্ডল"),
    ("ಬಸವರಾಜ", "ಪಾಟೀಲ"),
    ("فاطمہ", "قریشی"),
    ("Зоя", "Лебедь"),
    ("美咲", "田中"),
)  # fmt: skip
"""(given name, family name) that the hospital's rule for names refuses as long as nobody widens it."""

DIRECTIONS: Final = (
    "Behind the school",
    "मंदिर के पीछे, दूसरा घर",
    "கோவில் அருகில்",
    "పాఠశాల వెనుక",
    "মসজিদের পাশে",
    'Opposite "Sai & Sons", lane 2 + 3; ask for the blue door',
    "  Past the well, 50% of the way to the hill  ",
    "   ",
)  # fmt: skip
"""Free text as people write it: scripts, signs that mean something to a URL, blanks around it, nothing but blanks."""

"""What people say without wanting anything done: nothing is written, nothing is asked."""

from typing import Final

import pytest

from tests.core.rules.understanding.readings import told

TALK: Final = [
    "the meeting went well today",
    "I had a great lunch with Sarah",
    "can you believe it's already friday",
    "we had fun at the beach last weekend",
    "I forgot to call mom yesterday",
    "no need to remind me",
    "don't bother adding milk",
    "please don't delete anything",
    "I changed my mind, don't add it",
    "let's not buy milk",
    "stop reminding me about the rent",
    "I'm not going to the gym tomorrow",
    "you should call your mom",
    "my sister wants to buy a house",
    "he told me to buy milk",
    "did you add milk to the list",
    "have you ever been to Paris",
    "I was thinking about buying a car",
    "wouldn't it be nice to go to the beach tomorrow",
    "thank you that's all for today",
    "see you tomorrow",
    "have a nice weekend",
    "happy birthday",
    "Merry Christmas",
    "it's monday again",
    "tomorrow is another day",
    "next week will be busy",
    "who won the game yesterday",
    "what's the capital of France",
    "remove nothing",
    "add nothing",
    "I don't want to add milk to my list",
    "never add milk again",
    "I won't need a reminder tomorrow",
    "Do not mark call mom as done",
    "I did not finish the report",
    "I told you to buy milk",
    "let me tell you about my day",
    "call me maybe",
    "work is hard today",
    "water is wet",
    "das wird ein schöner Tag morgen",
    "lösche nichts",
    "ich will keine Milch kaufen",
    "ich gehe morgen ins Kino",
    "no quiero comprar leche",
    "mañana será otro día",
    "voy al cine mañana",
    "não quero comprar leite",
    "vou ao cinema amanhã",
    "je ne veux pas acheter de lait",
    "demain est un autre jour",
    "je vais au cinéma demain",
    "我明天去看电影",
    "我不想买牛奶",
    "明天会更好",
    "मुझे दूध नहीं खरीदना है",
    "कल मैं फिल्म देखने जाऊंगा",
    "مجھے دودھ نہیں خریدنا",
]


@pytest.mark.parametrize("text", TALK)
def test_talk_is_left_alone(text: str) -> None:
    assert told(text) == []

"""The tests that are the same for every peer; library_test.py and browser_test.py name them for theirs."""

from conversation import Conversation


def converse(stage, other, floe_offers):
    """All that data channels do, first with trickle, then without."""
    talk = Conversation(stage, other)
    for trickle in (True, False):
        talk.begin(floe_offers, trickle)
        talk.exchange_messages()
        talk.exchange_large_messages()
        if other.restarts:
            talk.restart_ice(talk.floe, talk.other)
            talk.restart_ice(talk.other, talk.floe)
        talk.close_channels()
        talk.end(talk.other if trickle else talk.floe)


def negotiate_media(stage, other, floe_offers):
    """Audio, video and data in one description, and more of it later; floe negotiates media, it carries none."""
    talk = Conversation(stage, other)
    talk.begin(floe_offers, trickle=True, media=(("audio", "sendrecv"), ("video", "recvonly")))
    talk.check_sections(3)
    talk.ping()
    talk.add_media(talk.answerer, talk.offerer, "video", 4)
    talk.add_media(talk.offerer, talk.answerer, "audio", 5)
    if other.rolls_back:
        talk.roll_back()
        talk.offer_at_once(5)
    talk.end(talk.other)


def transfer(stage, other):
    talk = Conversation(stage, other)
    talk.begin(floe_offers=True, trickle=True)
    talk.transfer(other.transfer)


def die(stage, other):
    """A process that is killed says nothing: its silence is noticed."""
    talk = Conversation(stage, other)
    talk.begin(floe_offers=True, trickle=True)
    talk.kill_the_other()


def resolve_names(stage, other):
    """Browsers tell names in the place of their addresses, which floe resolves if it is told to."""
    talk = Conversation(stage, other, ["--mdns", "--hide-addresses"])
    talk.begin(floe_offers=False, trickle=True)
    talk.check_names()
    talk.ping()


def add_to(tests, others):
    """Each test, for each of the peers."""
    def add(name, function, *arguments):
        def test(stage):
            function(stage, *arguments)
        test.__name__ = name
        tests.add(test)

    for other in others:
        add(f"{other.name}_offers", converse, other, False)
        add(f"floe_offers_to_{other.name}", converse, other, True)
        add(f"{other.name}_transfers_much", transfer, other)
        if other.has_media:
            add(f"{other.name}_offers_media", negotiate_media, other, False)
            add(f"floe_offers_media_to_{other.name}", negotiate_media, other, True)
        if other.hides_addresses:
            add(f"{other.name}_hides_its_addresses", resolve_names, other)
        else:
            add(f"{other.name}_dies", die, other)

import time
from tests.chaos import story
from tests.chaos.victim import Victim
from tests.support.content import content_of

def test_it(database, tmp_path):
    story.fill(database.url)
    project = story.write(tmp_path, database.url)
    connection = database.connect()
    first = content_of(connection)
    for args, code in [(story.APPLY_EXPAND, 0), (story.BACKFILL, 0), (story.APPLY_MIGRATE, 3), (story.APPROVE, 0), (story.APPLY, 0), (story.ROLL_BACK, 0)]:
        t = time.monotonic()
        v = Victim(project, *args)
        c = v.wait()
        print(args, c, time.monotonic() - t, len(v.events()))
        if c != code: print(v.printed)
    last = content_of(connection)
    assert last == first

"""Celery is the bell, the database the truth: a message carries ids only and may be lost or doubled.

The names are Celery's own with the prefix `CELERY_`; every one differs from Celery's default for the reason beside it.
The numbers follow from one fact: a task hands over after 60 to 120 seconds, and ends what is under way.
"""

from __future__ import annotations

from typing import Any, Final

from avni_integration.settings import env

__all__ = [
    "CELERY_ACCEPT_CONTENT",
    "CELERY_BEAT_ENABLE_REMOTE_CONTROL",
    "CELERY_BEAT_SCHEDULE",
    "CELERY_BEAT_SCHEDULER",
    "CELERY_BEAT_SYNC_EVERY",
    "CELERY_BROKER_CONNECTION_MAX_RETRIES",
    "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP",
    "CELERY_BROKER_TRANSPORT_OPTIONS",
    "CELERY_BROKER_URL",
    "CELERY_ENABLE_UTC",
    "CELERY_TASK_ACKS_LATE",
    "CELERY_TASK_ACKS_ON_FAILURE",
    "CELERY_TASK_ACKS_ON_TIMEOUT",
    "CELERY_TASK_ANNOTATIONS",
    "CELERY_TASK_DEFAULT_QUEUE",
    "CELERY_TASK_IGNORE_RESULT",
    "CELERY_TASK_REJECT_ON_WORKER_LOST",
    "CELERY_TASK_RETRY_ON_WORKER_LOST",
    "CELERY_TASK_SERIALIZER",
    "CELERY_TASK_SOFT_TIME_LIMIT",
    "CELERY_TASK_TIME_LIMIT",
    "CELERY_TASK_TRACK_STARTED",
    "CELERY_TIMEZONE",
    "CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS",
    "CELERY_WORKER_CONCURRENCY",
    "CELERY_WORKER_DISABLE_PREFETCH",
    "CELERY_WORKER_HIJACK_ROOT_LOGGER",
    "CELERY_WORKER_MAX_MEMORY_PER_CHILD",
    "CELERY_WORKER_MAX_TASKS_PER_CHILD",
    "CELERY_WORKER_POOL",
    "CELERY_WORKER_PREFETCH_MULTIPLIER",
    "CELERY_WORKER_SEND_TASK_EVENTS",
    "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT",
]

# --- The bell -------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL: Final = env.secret("CELERY_BROKER_URL") or "redis://127.0.0.1:6379/0"
# Nothing but ids travels, so JSON is enough; pickle would run whatever somebody put into Redis.
CELERY_TASK_SERIALIZER: Final = "json"
CELERY_ACCEPT_CONTENT: Final = ["json"]
# Own name: a Redis shared by mistake with another Celery application then mixes no tasks.
CELERY_TASK_DEFAULT_QUEUE: Final = "avni-integration"
# The rows of runs and links are the result; no result backend, no "started" marker.
CELERY_TASK_IGNORE_RESULT: Final = True
CELERY_TASK_TRACK_STARTED: Final = False
CELERY_TIMEZONE: Final = "UTC"
CELERY_ENABLE_UTC: Final = True

# --- A lost worker, a slow task -------------------------------------------------------------------------------------

# A message is acknowledged when its task is over, so that a killed worker's task comes again.
CELERY_TASK_ACKS_LATE: Final = True
# Failed or timed out, it is over: when to try again is a row's business, and the sweeper finds it.
CELERY_TASK_ACKS_ON_FAILURE: Final = True
CELERY_TASK_ACKS_ON_TIMEOUT: Final = True
# A child that dies gets its task again a bounded number of times. (`reject` would requeue at once and for ever: a
# record that kills its worker ran 40 times in 12 seconds.)
CELERY_TASK_REJECT_ON_WORKER_LOST: Final = False
CELERY_TASK_RETRY_ON_WORKER_LOST: Final = True
CELERY_TASK_ANNOTATIONS: Final = {"*": {"max_retries": 2, "default_retry_delay": 5}}
# Seconds. A net below what ends itself: a task begins nothing more after 120 (engine.work), a page asked for just then
# may take 260, and its batch at a slow hospital 420 (engine.lease). A batch that is cut off counts for nothing and
# begins anew, so a limit below the sum, 800, would keep a slow hospital from ever getting through: a start-up check
# adds them up (E005). Soft raises inside the task, hard kills the child. Only the prefork pool obeys them.
CELERY_TASK_SOFT_TIME_LIMIT: Final = 840
CELERY_TASK_TIME_LIMIT: Final = 880
CELERY_BROKER_TRANSPORT_OPTIONS: Final[dict[str, Any]] = {
    # Seconds until an unacknowledged message is given to another worker: longer than any task may take, and far
    # below Redis's default of an hour. Nobody waits for it: the sweep finds what a killed worker left due.
    "visibility_timeout": 960,
    # Look for such messages every 5 s, at every look (the defaults amount to every 100 s).
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A half-open connection (a firewall forgot it) leaves a worker deaf for ever without these four.
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 10,
    # Two deployments on one Redis keep apart.
    "global_keyprefix": env.text("CELERY_KEY_PREFIX", "avni-integration:"),
}

# --- The worker -----------------------------------------------------------------------------------------------------

# Fork isolates a crash in native code and is the only pool with time limits. Never gevent: lxml and psycopg2 block.
CELERY_WORKER_POOL: Final = "prefork"
CELERY_WORKER_CONCURRENCY: Final = env.integer("WORKER_CONCURRENCY", 1, at_least=1)
# Take one message at a time, and only when a child is free: a slice in hand is worked on, not stored.
CELERY_WORKER_PREFETCH_MULTIPLIER: Final = 1
CELERY_WORKER_DISABLE_PREFETCH: Final = True
# Memory stays flat whatever a library leaks: a child is replaced between tasks (memory in kilobytes).
CELERY_WORKER_MAX_TASKS_PER_CHILD: Final = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD: Final = 300_000
# On shutdown wait so many seconds for the slice, then put its message back. Needs REMAP_SIGTERM=SIGQUIT in the
# environment (bin/entrypoint sets it); give a container 30 s before it is killed.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT: Final = 20.0
# A slice cut off from Redis may finish: every step can be repeated.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS: Final = False
# Redis may start after us and may be away for a day.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP: Final = True
CELERY_BROKER_CONNECTION_MAX_RETRIES: Final = None
# Our log lines, not Celery's; nobody listens to task events.
CELERY_WORKER_HIJACK_ROOT_LOGGER: Final = False
CELERY_WORKER_SEND_TASK_EVENTS: Final = False

# --- Beat: exactly one, and harmless when there are two --------------------------------------------------------------

CELERY_BEAT_SCHEDULER: Final = "django_celery_beat.schedulers:DatabaseScheduler"
# Write "last run" after every tick: with the default (3 minutes) a killed beat knocks again at once.
CELERY_BEAT_SYNC_EVERY: Final = 1
# `celery inspect ping -d celerybeat@…` becomes a real probe.
CELERY_BEAT_ENABLE_REMOTE_CONTROL: Final = True
# The entries of the installation; those of the flows are rows that a tenant's administrator edits.
CELERY_BEAT_SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    # Knock at every stream that is due, whatever became of its message.
    "engine.sweep": {"task": "engine.sweep", "schedule": 30.0},
    # Leave a sign of life in the database: a worker that answers, not only a beat that ticks.
    "engine.heartbeat": {"task": "engine.heartbeat", "schedule": 15.0},
}

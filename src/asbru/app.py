"""The composition root: the only file that knows every room. Wires one worker, and owns its start and stop."""

import asyncio
import gc
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import uvloop
from msgspec import Struct
from msgspec.structs import astuple

from asbru.admin.access import Access
from asbru.admin.providers import Providers
from asbru.admin.routes import admin_mounts
from asbru.batch import BatchService, Engine, EngineSettings, make_ids
from asbru.batch import BatchSettings as BatchLimits
from asbru.batch.control import BatchControl
from asbru.batch.courier import Courier, CourierSettings
from asbru.batch.gather import NativeProvider
from asbru.batch.pace import PaceSettings
from asbru.batch.submission import Submission
from asbru.batch.weight import Tariff
from asbru.config import Settings, table_of
from asbru.edge.bedrock_batches import BedrockBatches
from asbru.edge.buckets import S3Places
from asbru.edge.cors import pages_of
from asbru.edge.failures import fail_openai
from asbru.edge.files import FileService
from asbru.edge.health import health_route
from asbru.edge.identity import Identity, Rules
from asbru.edge.inference import Inference
from asbru.edge.memory import Memory
from asbru.edge.mounts import make_router
from asbru.edge.parts import Parts
from asbru.edge.passthrough import PassRoutes
from asbru.edge.request import Route
from asbru.edge.responses import Responses
from asbru.edge.routes import Router
from asbru.edge.server import Server
from asbru.gateway import Gateway, Snapshot, Tools
from asbru.gateway.models import ModelLists
from asbru.gateway.passthrough import Passthrough
from asbru.governance import Register
from asbru.limits import Limits
from asbru.logs import log
from asbru.model.keys import Network
from asbru.model.names import Operation
from asbru.natives import native_providers
from asbru.providers import Provider, SigV4
from asbru.providers.prices import batch_price_of, bundled, price_of
from asbru.sources import Sources
from asbru.store import Clocks, PostgresTarget, SchemaError, SqliteTarget, Store, Target
from asbru.store.people import merge
from asbru.store.seal import VARIABLE, Sealer, key_of
from asbru.store.watch import Watch
from asbru.upstream.client import Client
from asbru.upstream.objects import Site
from asbru.upstream.signers import Signers
from asbru.upstream.signing import Account, SignerOf, no_signer

DRAIN = 30.0
"""Seconds that a stopping worker gives to what it carries."""

FATAL = 78
"""Exit status of a worker that would fail again if it were restarted (EX_CONFIG of sysexits.h)."""

_SETUP = "asbru: nobody is an admin yet; until somebody is, the management API opens to this set-up token only: {}"

_GC_THRESHOLDS = (50_000, 50, 50)
"""Requests make no cycles worth looking for; a collection every 700 allocations would cost a tenth of the hot path."""


_BOOT = os.urandom(4).hex()
"""Of this process tree: containers may share a host name and a process id."""

NOTHING: frozenset[Operation] = frozenset()


class Plant(Struct, frozen=True):
    """What every worker is made from: parsed before the fork, read-only after it. ``setup``: the set-up token."""

    settings: Settings
    app_dir: Path
    sockets: list[socket.socket]
    setup: str = ""

    @property
    def target(self) -> Target:
        """Where the store is."""
        return target_of(self.settings, self.app_dir)


class Place(Struct, frozen=True):
    """One worker's place: its slot, the name of the dead worker it replaces ("" for none), and its tie to the parent.

    ``lifeline``: a file descriptor that becomes readable when the parent is gone.
    """

    slot: int
    replaces: str
    lifeline: int


def worker_name(slot: int, pid: int) -> str:
    """How a worker signs what it claims in the store: no other worker of any machine has this name."""
    return f"{socket.gethostname()}:{_BOOT}:{slot}:{pid}"


def target_of(settings: Settings, app_dir: Path) -> Target:
    """Where the store is."""
    database = settings.database
    if database is None:
        return SqliteTarget(str(app_dir))
    return PostgresTarget(
        str(app_dir),
        database.host,
        database.db_name,
        database.port,
        database.user,
        database.password,
        database.ssl_mode,
    )


def run_worker(plant: Plant, place: Place) -> int:
    """Be one worker until told to stop; the exit status."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        uvloop.run(_work(plant, place))
    except SchemaError as error:
        log.error(str(error))
        return FATAL
    except Exception:
        log.exception("worker failed")
        return 1
    return 0


async def _work(plant: Plant, place: Place) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_reader(place.lifeline, os._exit, 1)
    worker = Worker(plant, worker_name(place.slot, os.getpid()))
    await worker.start(plant.sockets[place.slot], place.replaces)
    if place.slot == 0 and not place.replaces and await worker.access.open_for_setup():
        # Not the log: that may be sent elsewhere.
        print(_SETUP.format(plant.setup), file=sys.stderr, flush=True)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)
    await stop.wait()
    await worker.stop()


class Worker:
    """A whole gateway: listens, carries live traffic, works on batches."""

    def __init__(self, plant: Plant, name: str) -> None:
        settings = self.settings = plant.settings
        self.store = Store.open(plant.target, name, Clocks(time.time, told=True))
        self.client = Client()
        signers = Signers(self.client.send, time.time)
        tools = self._tools(settings)
        self.limits = Limits(self.store)
        self._signers = signers
        self.gateway = Gateway(snapshot_of(settings, signers), tools, self.limits.admission)
        sealer = Sealer(key_of(plant.app_dir, os.environ.get(VARIABLE, "")))
        self.sources = Sources(self.store, settings, sealer, os.environ)
        self.watch = Watch(self.store, self._read)
        pace = PaceSettings(most=settings.batch.concurrency)
        self.engine = Engine(self.store, self.gateway, lambda: self.gateway.live, EngineSettings(pace=pace))
        self.ids = ids = make_ids(time.time, os.urandom)
        self.submission = Submission(self.store, self._natives(settings), ids, charge=self.limits.charge)
        self.courier = Courier(self.store, self.client.send, courier_of(settings))
        life = limits_of(settings, lambda: tariff_of(self.settings))
        self.service = BatchService(self.store, self._usable, ids, self._wake, life)
        self.bedrock = BedrockBatches(self.store, self.service, FileService(self.store, ids), s3_places(settings))
        self.access = Access(self.store, plant.setup)
        self.control = BatchControl(self.service)
        router = self._router(settings, tools)
        pages = pages_of(settings.client.allowed_origins)
        self.server = Server(router.find, folder=str(plant.app_dir / "spool"), pages=pages)

    def _natives(self, settings: Settings) -> dict[str, NativeProvider]:
        prices = batch_price_of(bundled(), rows_of(settings))
        return native_providers(settings, (self.client.send, self._signers), prices, random.random)

    def _usable(self) -> Mapping[str, frozenset[Operation]]:
        """Every provider, and what its own batch API can be used for now."""
        natives = self.submission.providers
        return {name: natives[name].operations if name in natives else NOTHING for name in self.settings.providers}

    async def _read(self) -> None:
        """What is configured has changed: the hot path gets a new snapshot, all at once."""
        settings = await self.sources.read()
        if settings.providers != self.settings.providers:
            self.settings = settings
            self.gateway.snapshot = snapshot_of(settings, self._signers)
            self.submission.providers = self._natives(settings)
        await self.limits.read()

    def _wake(self) -> None:
        self._wake_here()
        task = asyncio.ensure_future(self.store.tell())
        task.add_done_callback(_told)

    def _wake_here(self) -> None:
        self.engine.wake()
        self.submission.wake()

    def _tools(self, settings: Settings) -> Tools:
        return Tools(
            send=self.client.begin,
            record=self.store.log,
            clock=time.time,
            ticks=time.monotonic,
            dice=random.random,
            sleep=asyncio.sleep,
        )

    def _router(self, settings: Settings, tools: Tools) -> Router:
        lists = ModelLists(lambda: self.gateway.snapshot, self.client.send, time.monotonic)
        limit = settings.client.max_request_body_size
        inference = Inference(self.gateway, time.time, limit)
        passed = PassRoutes(Passthrough(self.gateway, tools), time.time, limit)
        parts = Parts(
            inference=inference,
            passed=passed,
            responses=Responses(inference, Memory(self.store), passed),
            lists=lists,
            batches=self.service,
            files=self.bedrock.files,
            control=self.control,
            jobs=self.bedrock.jobs,
            s3_files=self.bedrock.s3_files,
            public_url=settings.public_url,
        )
        health = Route(handler=health_route(self.store), fail=fail_openai, limit=0)
        identity = Identity(
            lambda: self.limits.admission.people,
            time.time,
            Rules(settings.client.enforce_auth_on_inference, settings.client.required_headers),
        )
        providers = Providers(self.sources, lists, self.watch.look, time.time)
        managed = admin_mounts(self.store, self.access, providers, self.watch.look)
        return make_router(parts, health, identity, managed)

    async def start(self, listener: socket.socket, replaces: str) -> None:
        """Listen and begin to work. ``replaces``: a dead worker whose claims are free now."""
        if replaces:
            await self.store.release(replaces)
        await self._take_in()
        await self.watch.start()
        self.limits.start()
        await self.server.start(listener)
        self.store.on_news(self._wake_here)
        self.engine.start()
        self.submission.start()
        self.courier.start()
        self.bedrock.deliveries.start()

    async def _take_in(self) -> None:
        """What the file says of people goes into the store; every worker does it, and it is done once."""
        settings, now = self.settings, time.time()
        if settings.register != Register():
            await self.store.write(lambda db: merge(db, settings.register, now))
        if settings.admin is not None:
            await self.access.make_sure_of(settings.admin.username, settings.admin.password.reveal())

    async def stop(self) -> None:
        """Finish what is under way, for at most DRAIN seconds, then close everything."""
        self.control.leave()
        await asyncio.gather(self.server.drain(DRAIN), self.engine.stop(DRAIN), self.submission.stop())
        await self.watch.stop()
        await self.limits.stop()
        await self.bedrock.deliveries.stop()
        await self.courier.stop()
        await self.client.aclose()
        await self.store.close()


def s3_places(settings: Settings) -> S3Places:
    """The buckets on S3 that batches may use."""
    s3 = settings.s3
    if s3 is None:
        return S3Places(None, ())
    account = Account(provider="s3", auth=SigV4("s3"), key=s3.key, settings=s3.key.settings, network=Network())
    return S3Places(Site(endpoint=s3.endpoint, account=account), s3.buckets)


def _told(task: "asyncio.Future[None]") -> None:
    """Others that could not be told look every second anyway."""
    if not task.cancelled() and task.exception() is not None:
        log.info("other gateways could not be told of new work", extra={"reason": str(task.exception())})


def rows_of(settings: Settings) -> dict[str, Provider]:
    """The providers' rows by name."""
    return {name: each.provider for name, each in settings.providers.items()}


def limits_of(settings: Settings, tariff: Callable[[], Tariff]) -> BatchLimits:
    """What holds for batches when they are made. ``tariff``: as the providers are by then."""
    hook = settings.webhook
    return BatchLimits(
        life=settings.batch.expiry,
        flex={name: each.provider.flex for name, each in settings.providers.items() if each.provider.flex},
        tariff=tariff,
        webhook=hook.url,
        signs=bool(hook.secret),
        anywhere=hook.anywhere,
    )


def courier_of(settings: Settings) -> CourierSettings:
    """How webhooks are told."""
    hook = settings.webhook
    return CourierSettings(secret=hook.secret, url=hook.url, anywhere=hook.anywhere)


def tariff_of(settings: Settings) -> Tariff:
    """What the prices of batches are found by."""
    rows = rows_of(settings)
    return Tariff(
        priced_as={name: row.priced_as for name, row in rows.items() if row.priced_as},
        free=frozenset(name for name, row in rows.items() if row.keyless),
    )


def snapshot_of(settings: Settings, signer: SignerOf = no_signer) -> Snapshot:
    """What the hot path reads."""
    rows = rows_of(settings)
    return Snapshot(
        providers=rows,
        networks={name: each.network for name, each in settings.providers.items()},
        table=table_of(settings),
        price=price_of(bundled(), rows),
        # All who have the tier charge for it what they do on their batch APIs.
        flex_price=batch_price_of(bundled(), rows),
        signer=signer,
        shown={name: each.shown for name, each in settings.providers.items() if any(astuple(each.shown))},
        direct_keys=settings.client.allow_direct_keys,
    )

-- Generated from tables.py by `python -m asbru.store.tables`; do not edit.

CREATE TABLE audit (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at FLOAT NOT NULL, 
	actor TEXT DEFAULT '' NOT NULL, 
	action TEXT DEFAULT '' NOT NULL, 
	kind TEXT DEFAULT '' NOT NULL, 
	object TEXT DEFAULT '' NOT NULL, 
	was TEXT DEFAULT '' NOT NULL, 
	became TEXT DEFAULT '' NOT NULL
);

CREATE INDEX audit_at ON audit (at);

CREATE TABLE batches (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id TEXT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	format TEXT DEFAULT '' NOT NULL, 
	phase TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	mode TEXT DEFAULT '' NOT NULL, 
	headers TEXT DEFAULT '{}' NOT NULL, 
	models TEXT DEFAULT '[]' NOT NULL, 
	about TEXT DEFAULT '{}' NOT NULL, 
	total BIGINT DEFAULT 0 NOT NULL, 
	remaining BIGINT DEFAULT 0 NOT NULL, 
	succeeded BIGINT DEFAULT 0 NOT NULL, 
	errored BIGINT DEFAULT 0 NOT NULL, 
	canceled BIGINT DEFAULT 0 NOT NULL, 
	expired BIGINT DEFAULT 0 NOT NULL, 
	cost BIGINT DEFAULT 0 NOT NULL, 
	input BIGINT DEFAULT 0 NOT NULL, 
	output BIGINT DEFAULT 0 NOT NULL, 
	cache_read BIGINT DEFAULT 0 NOT NULL, 
	cache_write_5m BIGINT DEFAULT 0 NOT NULL, 
	cache_write_1h BIGINT DEFAULT 0 NOT NULL, 
	reasoning BIGINT DEFAULT 0 NOT NULL, 
	input_audio BIGINT DEFAULT 0 NOT NULL, 
	output_audio BIGINT DEFAULT 0 NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	ended_at FLOAT, 
	cancel_initiated_at FLOAT, 
	archived_at FLOAT, 
	deleted_at FLOAT, 
	estimate BIGINT DEFAULT 0 NOT NULL, 
	reserved BIGINT DEFAULT 0 NOT NULL, 
	max_cost BIGINT DEFAULT 0 NOT NULL, 
	twins BIGINT DEFAULT 0 NOT NULL, 
	deadline FLOAT, 
	paused_at FLOAT, 
	webhook TEXT DEFAULT '' NOT NULL, 
	stopped TEXT DEFAULT '' NOT NULL, 
	rerun_of TEXT DEFAULT '' NOT NULL, 
	UNIQUE (id)
);

CREATE INDEX batches_deleted ON batches (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX batches_kept ON batches (created_at) WHERE archived_at IS NULL;

CREATE INDEX batches_open ON batches (expires_at) WHERE ended_at IS NULL;

CREATE INDEX batches_owner ON batches (owner, seq);

CREATE TABLE blobs (
	name TEXT NOT NULL, 
	k INTEGER NOT NULL, 
	written_at FLOAT NOT NULL, 
	bytes BLOB NOT NULL, 
	PRIMARY KEY (name, k)
)
 WITHOUT ROWID;

CREATE TABLE files (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id TEXT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	purpose TEXT DEFAULT '' NOT NULL, 
	media_type TEXT DEFAULT '' NOT NULL, 
	size BIGINT DEFAULT 0 NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	place TEXT DEFAULT '' NOT NULL, 
	metadata TEXT DEFAULT '{}' NOT NULL, 
	UNIQUE (id)
);

CREATE INDEX files_expire ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX files_owner ON files (owner, seq);

CREATE UNIQUE INDEX files_place ON files (owner, place) WHERE place <> '';

CREATE TABLE ledger (
	id TEXT NOT NULL, 
	at FLOAT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	batch TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	"key" TEXT DEFAULT '' NOT NULL, 
	cost BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE logins (
	digest TEXT NOT NULL, 
	user_id TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	PRIMARY KEY (digest)
);

CREATE INDEX logins_user ON logins (user_id);

CREATE TABLE logs (
	id TEXT NOT NULL, 
	at FLOAT NOT NULL, 
	took FLOAT NOT NULL, 
	first_byte FLOAT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	asked_model TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	"key" TEXT DEFAULT '' NOT NULL, 
	format_in TEXT DEFAULT '' NOT NULL, 
	format_out TEXT DEFAULT '' NOT NULL, 
	lane TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	status BIGINT DEFAULT 0 NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	usage TEXT DEFAULT '{}' NOT NULL, 
	cost BIGINT DEFAULT 0 NOT NULL, 
	stream BIGINT DEFAULT 0 NOT NULL, 
	batch TEXT DEFAULT '' NOT NULL, 
	lost TEXT DEFAULT '[]' NOT NULL, 
	asked_id TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE meters (
	id TEXT NOT NULL, 
	spent BIGINT DEFAULT 0 NOT NULL, 
	began FLOAT NOT NULL, 
	PRIMARY KEY (id)
)
 WITHOUT ROWID;

CREATE TABLE objects (
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	body TEXT DEFAULT '{}' NOT NULL, 
	origin TEXT DEFAULT '' NOT NULL, 
	file_digest TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT NOT NULL, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (kind, id)
);

CREATE INDEX objects_name ON objects (kind, name);

CREATE TABLE replies (
	id TEXT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	previous TEXT DEFAULT '' NOT NULL, 
	asked BLOB NOT NULL, 
	reply BLOB NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX replies_expiry ON replies (expires_at);

CREATE TABLE revisions (
	id INTEGER NOT NULL, 
	number BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE sessions (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	worker TEXT DEFAULT '' NOT NULL, 
	until FLOAT NOT NULL
);

CREATE TABLE slices (
	meter TEXT NOT NULL, 
	holder BIGINT NOT NULL, 
	amount BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (meter, holder)
)
 WITHOUT ROWID;

CREATE INDEX slices_holder ON slices (holder);

CREATE TABLE deliveries (
	batch INTEGER NOT NULL, 
	target TEXT DEFAULT '' NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	due_at FLOAT NOT NULL, 
	done_at FLOAT, 
	PRIMARY KEY (batch), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (due_at) WHERE done_at IS NULL;

CREATE TABLE idempotency (
	owner TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	digest TEXT DEFAULT '' NOT NULL, 
	batch INTEGER NOT NULL, 
	PRIMARY KEY (owner, "key"), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX idempotency_batch ON idempotency (batch);

CREATE TABLE items (
	batch INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	custom_id TEXT DEFAULT '' NOT NULL, 
	state TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	not_before FLOAT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	job TEXT, 
	ask_segment TEXT DEFAULT '' NOT NULL, 
	ask_at BIGINT DEFAULT 0 NOT NULL, 
	ask_length BIGINT DEFAULT 0 NOT NULL, 
	format TEXT DEFAULT '' NOT NULL, 
	status BIGINT DEFAULT 0 NOT NULL, 
	reply_segment TEXT DEFAULT '' NOT NULL, 
	reply_at BIGINT DEFAULT 0 NOT NULL, 
	reply_length BIGINT DEFAULT 0 NOT NULL, 
	request_id TEXT DEFAULT '' NOT NULL, 
	usage TEXT DEFAULT '{}' NOT NULL, 
	cost BIGINT DEFAULT 0 NOT NULL, 
	took FLOAT DEFAULT 0 NOT NULL, 
	reserve BIGINT DEFAULT 0 NOT NULL, 
	reserve_live BIGINT DEFAULT 0 NOT NULL, 
	twin INTEGER, 
	moved TEXT DEFAULT '' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (batch, n), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX items_claimed ON items (lease) WHERE state = 'claimed';

CREATE INDEX items_queued ON items (batch, provider, state, n) WHERE state = 'queued';

CREATE INDEX items_submitted ON items (job, n) WHERE state = 'submitted';

CREATE INDEX items_twins ON items (batch, twin) WHERE state = 'twin';

CREATE INDEX items_waiting ON items (batch, provider, not_before, n) WHERE state = 'waiting';

CREATE TABLE jobs (
	id TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	"key" TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	format TEXT DEFAULT '' NOT NULL, 
	state TEXT DEFAULT '' NOT NULL, 
	upstream_id TEXT DEFAULT '' NOT NULL, 
	files TEXT DEFAULT '[]' NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	missing TEXT DEFAULT '' NOT NULL, 
	count BIGINT DEFAULT 0 NOT NULL, 
	size BIGINT DEFAULT 0 NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	told BIGINT DEFAULT 0 NOT NULL, 
	created_at FLOAT NOT NULL, 
	due_at FLOAT NOT NULL, 
	reserve BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX jobs_batch ON jobs (batch);

CREATE INDEX jobs_open ON jobs (due_at) WHERE state <> 'ended';

CREATE TABLE segment_uses (
	segment TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	PRIMARY KEY (segment, batch), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX segment_uses_batch ON segment_uses (batch);

CREATE TABLE shares (
	batch INTEGER NOT NULL, 
	provider TEXT NOT NULL, 
	live BIGINT DEFAULT 0 NOT NULL, 
	native BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (batch, provider), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE TABLE webhooks (
	id TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	url TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT NOT NULL, 
	due_at FLOAT NOT NULL, 
	done_at FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
)
 WITHOUT ROWID;

CREATE INDEX webhooks_batch ON webhooks (batch);

CREATE INDEX webhooks_due ON webhooks (due_at) WHERE done_at IS NULL;

CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);

INSERT INTO alembic_version VALUES ('0009');

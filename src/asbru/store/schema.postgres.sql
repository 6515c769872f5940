-- Generated from tables.py by `python -m asbru.store.tables`; do not edit.

CREATE TABLE audit (
	seq SERIAL NOT NULL, 
	at FLOAT(53) NOT NULL, 
	actor TEXT DEFAULT '' NOT NULL, 
	action TEXT DEFAULT '' NOT NULL, 
	kind TEXT DEFAULT '' NOT NULL, 
	object TEXT DEFAULT '' NOT NULL, 
	was TEXT DEFAULT '' NOT NULL, 
	became TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (seq)
);

CREATE INDEX audit_at ON audit (at);

CREATE TABLE batches (
	seq SERIAL NOT NULL, 
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
	created_at FLOAT(53) NOT NULL, 
	expires_at FLOAT(53) NOT NULL, 
	ended_at FLOAT(53), 
	cancel_initiated_at FLOAT(53), 
	archived_at FLOAT(53), 
	deleted_at FLOAT(53), 
	estimate BIGINT DEFAULT 0 NOT NULL, 
	reserved BIGINT DEFAULT 0 NOT NULL, 
	max_cost BIGINT DEFAULT 0 NOT NULL, 
	twins BIGINT DEFAULT 0 NOT NULL, 
	deadline FLOAT(53), 
	paused_at FLOAT(53), 
	webhook TEXT DEFAULT '' NOT NULL, 
	stopped TEXT DEFAULT '' NOT NULL, 
	rerun_of TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);

CREATE INDEX batches_deleted ON batches (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE INDEX batches_kept ON batches (created_at) WHERE archived_at IS NULL;

CREATE INDEX batches_open ON batches (expires_at) WHERE ended_at IS NULL;

CREATE INDEX batches_owner ON batches (owner, seq);

CREATE TABLE blobs (
	name TEXT NOT NULL, 
	k INTEGER NOT NULL, 
	written_at FLOAT(53) NOT NULL, 
	bytes BYTEA NOT NULL, 
	PRIMARY KEY (name, k)
);

CREATE TABLE files (
	seq SERIAL NOT NULL, 
	id TEXT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	purpose TEXT DEFAULT '' NOT NULL, 
	media_type TEXT DEFAULT '' NOT NULL, 
	size BIGINT DEFAULT 0 NOT NULL, 
	created_at FLOAT(53) NOT NULL, 
	expires_at FLOAT(53), 
	place TEXT DEFAULT '' NOT NULL, 
	metadata TEXT DEFAULT '{}' NOT NULL, 
	PRIMARY KEY (seq), 
	UNIQUE (id)
);

CREATE INDEX files_expire ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX files_owner ON files (owner, seq);

CREATE UNIQUE INDEX files_place ON files (owner, place) WHERE place <> '';

CREATE TABLE ledger (
	id TEXT NOT NULL, 
	at FLOAT(53) NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	batch TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	key TEXT DEFAULT '' NOT NULL, 
	cost BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE logins (
	digest TEXT NOT NULL, 
	user_id TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT(53) NOT NULL, 
	expires_at FLOAT(53) NOT NULL, 
	PRIMARY KEY (digest)
);

CREATE INDEX logins_user ON logins (user_id);

CREATE TABLE logs (
	id TEXT NOT NULL, 
	at FLOAT(53) NOT NULL, 
	took FLOAT(53) NOT NULL, 
	first_byte FLOAT(53) NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	asked_model TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	key TEXT DEFAULT '' NOT NULL, 
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
);

CREATE TABLE meters (
	id TEXT NOT NULL, 
	spent BIGINT DEFAULT 0 NOT NULL, 
	began FLOAT(53) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE objects (
	kind TEXT NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT DEFAULT '' NOT NULL, 
	body TEXT DEFAULT '{}' NOT NULL, 
	origin TEXT DEFAULT '' NOT NULL, 
	file_digest TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT(53) NOT NULL, 
	updated_at FLOAT(53) NOT NULL, 
	PRIMARY KEY (kind, id)
);

CREATE INDEX objects_name ON objects (kind, name);

CREATE TABLE replies (
	id TEXT NOT NULL, 
	owner TEXT DEFAULT '' NOT NULL, 
	previous TEXT DEFAULT '' NOT NULL, 
	asked BYTEA NOT NULL, 
	reply BYTEA NOT NULL, 
	created_at FLOAT(53) NOT NULL, 
	expires_at FLOAT(53) NOT NULL, 
	PRIMARY KEY (id)
);

CREATE INDEX replies_expiry ON replies (expires_at);

CREATE TABLE revisions (
	id INTEGER NOT NULL, 
	number BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id)
);

CREATE TABLE sessions (
	seq SERIAL NOT NULL, 
	worker TEXT DEFAULT '' NOT NULL, 
	until FLOAT(53) NOT NULL, 
	PRIMARY KEY (seq)
);

CREATE TABLE slices (
	meter TEXT NOT NULL, 
	holder BIGINT NOT NULL, 
	amount BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (meter, holder)
);

CREATE INDEX slices_holder ON slices (holder);

CREATE TABLE deliveries (
	batch INTEGER NOT NULL, 
	target TEXT DEFAULT '' NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	due_at FLOAT(53) NOT NULL, 
	done_at FLOAT(53), 
	PRIMARY KEY (batch), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX deliveries_due ON deliveries (due_at) WHERE done_at IS NULL;

CREATE TABLE idempotency (
	owner TEXT NOT NULL, 
	key TEXT NOT NULL, 
	digest TEXT DEFAULT '' NOT NULL, 
	batch INTEGER NOT NULL, 
	PRIMARY KEY (owner, key), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX idempotency_batch ON idempotency (batch);

CREATE TABLE items (
	batch INTEGER NOT NULL, 
	n INTEGER NOT NULL, 
	custom_id TEXT DEFAULT '' NOT NULL, 
	state TEXT DEFAULT '' NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	model TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	not_before FLOAT(53) DEFAULT 0 NOT NULL, 
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
	took FLOAT(53) DEFAULT 0 NOT NULL, 
	reserve BIGINT DEFAULT 0 NOT NULL, 
	reserve_live BIGINT DEFAULT 0 NOT NULL, 
	twin INTEGER, 
	moved TEXT DEFAULT '' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (batch, n), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX items_claimed ON items (lease) WHERE state = 'claimed';

CREATE INDEX items_queued ON items (batch, provider, state, n) WHERE state = 'queued';

CREATE INDEX items_submitted ON items (job, n) WHERE state = 'submitted';

CREATE INDEX items_twins ON items (batch, twin) WHERE state = 'twin';

CREATE INDEX items_waiting ON items (batch, provider, not_before, n) WHERE state = 'waiting';

CREATE TABLE jobs (
	id TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	provider TEXT DEFAULT '' NOT NULL, 
	key TEXT DEFAULT '' NOT NULL, 
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
	created_at FLOAT(53) NOT NULL, 
	due_at FLOAT(53) NOT NULL, 
	reserve BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX jobs_batch ON jobs (batch);

CREATE INDEX jobs_open ON jobs (due_at) WHERE state <> 'ended';

CREATE TABLE segment_uses (
	segment TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	PRIMARY KEY (segment, batch), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX segment_uses_batch ON segment_uses (batch);

CREATE TABLE shares (
	batch INTEGER NOT NULL, 
	provider TEXT NOT NULL, 
	live BIGINT DEFAULT 0 NOT NULL, 
	native BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	PRIMARY KEY (batch, provider), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE TABLE webhooks (
	id TEXT NOT NULL, 
	batch INTEGER NOT NULL, 
	url TEXT DEFAULT '' NOT NULL, 
	attempts BIGINT DEFAULT 0 NOT NULL, 
	lease BIGINT DEFAULT 0 NOT NULL, 
	failure TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT(53) NOT NULL, 
	due_at FLOAT(53) NOT NULL, 
	done_at FLOAT(53), 
	PRIMARY KEY (id), 
	FOREIGN KEY(batch) REFERENCES batches (seq) ON DELETE CASCADE
);

CREATE INDEX webhooks_batch ON webhooks (batch);

CREATE INDEX webhooks_due ON webhooks (due_at) WHERE done_at IS NULL;

ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);

INSERT INTO alembic_version VALUES ('0009');

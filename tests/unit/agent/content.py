"""A database with a bit of everything that a backup has to bear."""

from __future__ import annotations

from typing import Any

import psycopg

EVERYTHING = r"""
CREATE SCHEMA "Second Schema" AUTHORIZATION memo_user;
CREATE EXTENSION hstore;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN percent AS int CHECK (VALUE BETWEEN 0 AND 100);
CREATE TABLE memo (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL, written timestamptz DEFAULT now(),
    mood mood, share percent, doubled int GENERATED ALWAYS AS (2) STORED
);
ALTER TABLE memo OWNER TO memo_user;
CREATE TABLE "odd ""name"" of; a table" ("memoapp_row" int, "select" text, "ümläut" text);
CREATE TABLE "Second Schema".nothing (id int);
CREATE TABLE types (
    a smallint, b int, c bigint, d numeric, e real, f double precision, g boolean, h text, i varchar(9), j char(4),
    k bytea, l date, m time, n timetz, o timestamp, p timestamptz, q interval, r uuid, s json, t jsonb, u inet,
    v cidr, w macaddr, x point, y int4range, z text[], aa hstore, bb tsvector, cc xml, dd bit(5), ee money, ff mood
);
CREATE TABLE parted (at date NOT NULL, n int) PARTITION BY RANGE (at);
CREATE TABLE parted_2025 PARTITION OF parted FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE parent (n int);
CREATE TABLE child (m int) INHERITS (parent);
CREATE UNLOGGED TABLE fleeting (n int);
CREATE INDEX memo_text ON memo (lower(text));
CREATE UNIQUE INDEX memo_unique ON memo (text) WHERE mood = 'happy';
CREATE VIEW happy AS SELECT * FROM memo WHERE mood = 'happy';
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM memo;
CREATE SEQUENCE counter START 7 INCREMENT 3;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.written = now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON memo FOR EACH ROW EXECUTE FUNCTION touched();
ALTER TABLE memo ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON memo USING (true);
GRANT SELECT ON types TO memo_user;

INSERT INTO memo (text, mood, share) SELECT 'memo ' || n, 'ok', n % 100 FROM generate_series(1, 500) n;
INSERT INTO "odd ""name"" of; a table" VALUES (1, E'tab\tand\nline', 'ä€𝄞'), (NULL, '', NULL), (NULL, '', NULL);
INSERT INTO types VALUES (
    1, 2, 3, 1e100, 0.1, 0.1, true, '', 'v', 'c', '\x00ff', '2026-11-23', '12:00', '12:00+01', 'infinity',
    '2026-10-25 02:30+02', '1 year -3 days 04:05:06.7', '00000000-0000-0000-0000-000000000001', '{"b": 1,  "a": 2}',
    '{"b": 1, "a": 2}', '::1/64', '10.0.0.0/8', '08:00:2b:01:02:03', '(1,2)', '[1,5)', '{a,NULL,"x y"}',
    'k=>"v v", n=>NULL', 'fat cat', '<a>b</a>', B'10101', 12.34, 'sad'
);
INSERT INTO types (a) VALUES (NULL);
INSERT INTO types (d, e, f) VALUES ('NaN', 'NaN', '-Infinity');
INSERT INTO parted SELECT '2025-12-30'::date + n, n FROM generate_series(0, 5) n;
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3); INSERT INTO fleeting VALUES (1);
SELECT nextval('counter') FROM generate_series(1, 4);
SELECT lo_from_bytea(0, decode(repeat('c0ffee', 3000), 'hex')), lo_from_bytea(0, '');
REFRESH MATERIALIZED VIEW counted;
"""


def fill(connection: psycopg.Connection[Any]) -> None:
    """All of it."""
    connection.execute("SET TimeZone = 'Europe/Berlin'")
    connection.execute(EVERYTHING)  # type: ignore[call-overload]
    connection.execute("RESET TimeZone")

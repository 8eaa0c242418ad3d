"""Queries for everything in a database that is no row: what a restore has to bring back besides them."""

from __future__ import annotations

from string import Template

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'"
"""Schemas that a dump has."""


def _own(table: str, alias: str) -> str:
    """Members of an extension come with it, and are not dumped."""
    return f"""NOT EXISTS (
        SELECT FROM pg_depend d WHERE d.objid = {alias}.oid AND d.classid = '{table}'::regclass AND d.deptype = 'e'
    )"""


_WORDS = {
    "ours": _OURS,
    "own_class": _own("pg_class", "c"),
    "own_proc": _own("pg_proc", "p"),
    "own_type": _own("pg_type", "t"),
    "classes": "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace",
}


def _query(text: str) -> str:
    return Template(text).substitute(_WORDS)


RELATIONS = _query("""
    SELECT n.nspname, c.relname, c.relkind::text FROM $classes
    WHERE c.relkind IN ('r', 'S') AND c.relpersistence <> 't' AND $ours AND $own_class ORDER BY 1, 2
""")
"""Schema, name and kind of every table and sequence."""

OWNED_SEQUENCES = _query("""
    SELECT n.nspname, c.relname, tn.nspname, t.relname, a.attname
    FROM $classes
    JOIN pg_sequence s ON s.seqrelid = c.oid AND s.seqincrement > 0 AND NOT s.seqcycle
    JOIN pg_depend o ON o.objid = c.oid AND o.classid = 'pg_class'::regclass AND o.refclassid = 'pg_class'::regclass
        AND o.deptype IN ('a', 'i') AND o.refobjsubid > 0
    JOIN pg_class t ON t.oid = o.refobjid JOIN pg_namespace tn ON tn.oid = t.relnamespace
    JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = o.refobjsubid
    WHERE a.atttypid IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) AND $ours AND $own_class
    ORDER BY 1, 2
""")
"""Sequences that count upwards, by schema and name, with schema, name and column of the table that they belong to."""

_SCHEMAS = """
    SELECT n.nspname, pg_get_userbyid(n.nspowner), n.nspacl::text FROM pg_namespace n WHERE $ours ORDER BY 1
"""
_CLASSES = """
    SELECT n.nspname, c.relname, c.relkind, c.relpersistence, pg_get_userbyid(c.relowner), c.relacl::text,
           c.relrowsecurity, c.relforcerowsecurity, pg_get_expr(c.relpartbound, c.oid), c.reloptions::text
    FROM $classes
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') AND c.relpersistence <> 't' AND $ours AND $own_class
    ORDER BY 1, 2
"""
# A dropped column leaves a gap in attnum that a restored table has not: the order counts, not the number.
_COLUMNS = """
    SELECT n.nspname, c.relname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum), a.attname,
           format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
           pg_get_expr(e.adbin, e.adrelid), a.attacl::text
    FROM $classes JOIN pg_attribute a ON a.attrelid = c.oid
    LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND $ours AND $own_class
    ORDER BY 1, 2, 3
"""
# Constraints of not null are columns' own before PostgreSQL 18, and have generated names since.
_CONSTRAINTS = """
    SELECT n.nspname, c.relname, o.conname, pg_get_constraintdef(o.oid), o.convalidated
    FROM $classes JOIN pg_constraint o ON o.conrelid = c.oid WHERE o.contype <> 'n' AND $ours ORDER BY 1, 2, 3
"""
_INDEXES = """
    SELECT n.nspname, c.relname, pg_get_indexdef(c.oid), i.indisvalid
    FROM $classes JOIN pg_index i ON i.indexrelid = c.oid WHERE $ours ORDER BY 1, 2
"""
_VIEWS = """
    SELECT n.nspname, c.relname, pg_get_viewdef(c.oid) FROM $classes
    WHERE c.relkind IN ('v', 'm') AND $ours AND $own_class ORDER BY 1, 2
"""
_TRIGGERS = """
    SELECT n.nspname, c.relname, t.tgname, pg_get_triggerdef(t.oid), t.tgenabled
    FROM $classes JOIN pg_trigger t ON t.tgrelid = c.oid WHERE NOT t.tgisinternal AND $ours ORDER BY 1, 2, 3
"""
_FUNCTIONS = """
    SELECT n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), pg_get_userbyid(p.proowner),
           p.proacl::text, CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE $ours AND $own_proc ORDER BY 1, 2, 3
"""
_TYPES = """
    SELECT n.nspname, t.typname, t.typtype, format_type(t.typbasetype, t.typtypmod), pg_get_userbyid(t.typowner),
           t.typacl::text,
           (SELECT string_agg(m.enumlabel, ',' ORDER BY m.enumsortorder) FROM pg_enum m WHERE m.enumtypid = t.oid)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE t.typtype IN ('e', 'd', 'r') AND $ours AND $own_type ORDER BY 1, 2
"""
_SEQUENCES = """
    SELECT n.nspname, c.relname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
           format_type(s.seqtypid, NULL)
    FROM $classes JOIN pg_sequence s ON s.seqrelid = c.oid WHERE $ours ORDER BY 1, 2
"""
_POLICIES = """
    SELECT n.nspname, c.relname, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text,
           pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
    FROM $classes JOIN pg_policy p ON p.polrelid = c.oid WHERE $ours ORDER BY 1, 2, 3
"""
# Who made an extension is in no dump: whoever restores it does.
_EXTENSIONS = """
    SELECT e.extname, n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname <> 'plpgsql' ORDER BY 1
"""
_DEFAULT_RIGHTS = (
    "SELECT pg_get_userbyid(defaclrole), defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3"
)

DEFINITIONS = tuple(
    _query(text)
    for text in (
        _SCHEMAS,
        _CLASSES,
        _COLUMNS,
        _CONSTRAINTS,
        _INDEXES,
        _VIEWS,
        _TRIGGERS,
        _FUNCTIONS,
        _TYPES,
        _SEQUENCES,
        _POLICIES,
        _EXTENSIONS,
        _DEFAULT_RIGHTS,
    )
)
"""Each gives its lines in an order of its own."""

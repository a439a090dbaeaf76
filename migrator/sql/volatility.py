"""Whether an expression's value can differ from row to row; the volatility of PostgreSQL's own common functions."""

from __future__ import annotations

from collections.abc import Iterable

from migrator.sql.context import Context, Volatility
from migrator.sql.names import Name, named
from migrator.sql.parser import Tree, strings

STEADY = frozenset(
    """
abs acos acosd acosh age any_value array_agg array_append array_cat array_dims array_fill array_length array_lower
array_ndims array_position array_positions array_prepend array_remove array_replace array_reverse array_sort
array_to_json array_to_string array_to_tsvector array_upper ascii asin asind asinh atan atan2 atan2d atand atanh avg
bit bit_and bit_count bit_length bit_or bit_xor bool bool_and bool_or bpchar btrim bytea cardinality casefold cbrt ceil
ceiling char char_length character_length chr cidr col_description concat concat_ws convert convert_from convert_to
corr cos cosd cosh cot cotd count covar_pop covar_samp crc32 crc32c cume_dist current_database current_schema
current_schemas current_setting current_user date date_add date_bin date_part date_subtract date_trunc datemultirange
daterange decode degrees dense_rank div encode enum_first enum_last enum_range erf erfc every exp extract factorial
first_value float4 float8 floor format format_type gamma gcd generate_series generate_subscripts get_bit get_byte
get_current_ts_config getdatabaseencoding has_any_column_privilege has_column_privilege has_database_privilege
has_function_privilege has_language_privilege has_schema_privilege has_sequence_privilege has_server_privilege
has_table_privilege has_tablespace_privilege has_type_privilege host hostmask inet_client_addr inet_client_port
inet_merge inet_same_family inet_server_addr inet_server_port initcap int2 int4 int4multirange int4range int8
int8multirange int8range interval is_normalized isempty isfinite json_agg json_agg_strict json_array_elements
json_array_elements_text json_array_length json_build_array json_build_object json_each json_each_text
json_extract_path json_extract_path_text json_object json_object_agg json_object_keys json_populate_record
json_populate_recordset json_strip_nulls json_to_record json_to_recordset json_to_tsvector json_typeof jsonb_agg
jsonb_agg_strict jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
jsonb_build_object jsonb_concat jsonb_contains jsonb_delete jsonb_delete_path jsonb_each jsonb_each_text jsonb_exists
jsonb_extract_path jsonb_extract_path_text jsonb_insert jsonb_object jsonb_object_agg jsonb_object_keys
jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
jsonb_populate_record jsonb_populate_recordset jsonb_pretty jsonb_set jsonb_set_lax jsonb_strip_nulls jsonb_to_record
jsonb_to_recordset jsonb_to_tsvector jsonb_typeof justify_days justify_hours justify_interval lag last_value lcm lead
left length lgamma like_escape ln log log10 lower lower_inc lower_inf lpad ltrim macaddr macaddr8 make_date
make_interval make_time make_timestamp make_timestamptz masklen max md5 min min_scale mod mode money multirange name
netmask network normalize now nth_value ntile num_nonnulls num_nulls numeric numnode numrange obj_description
octet_length oid overlaps overlay parse_ident percent_rank percentile_cont percentile_disc pg_backend_pid
pg_basetype pg_client_encoding pg_collation_for pg_collation_is_visible pg_column_compression pg_column_is_updatable
pg_column_size pg_conf_load_time pg_current_snapshot pg_current_xact_id
pg_current_xact_id_if_assigned pg_describe_object pg_encoding_to_char pg_function_is_visible pg_get_constraintdef
pg_get_expr pg_get_function_arg_default pg_get_function_arguments pg_get_function_identity_arguments
pg_get_function_result pg_get_functiondef pg_get_indexdef pg_get_partition_constraintdef pg_get_partkeydef
pg_get_ruledef pg_get_serial_sequence pg_get_statisticsobjdef pg_get_triggerdef pg_get_userbyid pg_get_viewdef
pg_has_role pg_identify_object pg_index_column_has_property pg_index_has_property pg_indexam_has_property
pg_is_other_temp_schema pg_my_temp_schema pg_opclass_is_visible pg_operator_is_visible pg_partition_root
pg_postmaster_start_time pg_relation_filenode pg_relation_filepath pg_relation_is_updatable pg_sequence_parameters
pg_size_bytes pg_size_pretty pg_table_is_visible pg_tablespace_location pg_trigger_depth pg_ts_config_is_visible
pg_type_is_visible pg_typeof pg_wal_lsn_diff phraseto_tsquery pi plainto_tsquery position pow power querytree
quote_ident quote_literal quote_nullable radians range_agg range_intersect_agg range_merge rank regexp_count
regexp_instr regexp_like regexp_match regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table
regexp_substr regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy repeat
replace reverse right round row_number row_security_active row_to_json rpad rtrim scale session_user set_bit set_byte
set_masklen setweight sha224 sha256 sha384 sha512 shobj_description sign similar_to_escape sin sind sinh split_part
sqrt starts_with statement_timestamp stddev stddev_pop stddev_samp string_agg string_to_array string_to_table strip
strpos substr substring sum system_user tan tand tanh text text_pattern_eq time timestamp timestamptz timetz timezone
to_ascii to_bin to_char to_date to_hex to_json to_jsonb to_number to_oct to_regclass to_regnamespace to_regproc
to_regprocedure to_regrole to_regtype to_timestamp to_tsquery to_tsvector transaction_timestamp translate trim_array
trim_scale trunc ts_delete ts_filter ts_headline ts_rank ts_rank_cd tsmultirange tsrange tstzmultirange tstzrange
tsvector_to_array txid_current txid_current_if_assigned txid_current_snapshot unicode_assigned unistr unnest upper
upper_inc upper_inf uuid_extract_timestamp uuid_extract_version var_pop var_samp varbit varchar variance version
websearch_to_tsquery width_bucket xml xml_is_well_formed xmlagg xmlcomment xmlconcat xmlexists xpath xpath_exists
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not
)
"""Immutable and stable functions and aggregates of pg_catalog. Stable is enough: a default is computed once per
ALTER TABLE then, and a query of such functions alone changes nothing."""

RANDOM = frozenset(
    """
array_sample array_shuffle clock_timestamp currval gen_random_bytes gen_random_uuid gen_salt lastval nextval random
random_normal setval timeofday uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not
)
"""Volatile functions that stand in column defaults, those of the common extensions included."""

CHANGING = RANDOM | frozenset(
    """
array_to_json array_to_string concat concat_ws convert convert_from convert_to current_database current_schema
current_schemas current_setting current_user enum_first enum_last enum_range format format_type get_current_ts_config
has_table_privilege inet_client_addr inet_server_addr json_build_array json_build_object json_populate_record
jsonb_build_array jsonb_build_object jsonb_populate_record make_timestamptz now obj_description pg_backend_pid
pg_current_xact_id pg_get_serial_sequence pg_has_role pg_trigger_depth pg_typeof row_to_json session_user
statement_timestamp to_char to_date to_json to_jsonb to_number to_regclass to_regtype transaction_timestamp txid_current
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not
)
"""Functions of pg_catalog none of whose overloads is immutable in PostgreSQL 14 or 18 (`pg_proc.provolatile`)."""

CHANGING_BY_ZONE = frozenset({"age", "date", "date_part", "date_trunc", "extract"})
"""Functions of pg_catalog that are immutable of every type but `timestamptz`."""

_TIMES = frozenset({"date", "time", "timestamp", "timestamptz", "interval"})
CHANGING_BY_SETTINGS = {
    "timestamptz": frozenset({"date", "time", "timestamp", "text", "varchar"}),
    "date": frozenset({"timestamptz", "text", "varchar"}),
    "timestamp": frozenset({"timestamptz", "text", "varchar"}),
    "interval": frozenset({"text", "varchar"}),
    "text": _TIMES,
    "varchar": _TIMES,
}
"""Conversions that depend on TimeZone, DateStyle or IntervalStyle (`pg_cast`, and the types' input and output)."""

AGGREGATES = frozenset(
    """
any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every json_agg
json_agg_strict json_object_agg json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict jsonb_agg
jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
jsonb_object_agg_unique_strict max min mode percentile_cont
percentile_disc range_agg range_intersect_agg regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope
regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance xmlagg
""".split()  # noqa: SIM905 - words wrap, hundreds of literals do not
)
"""Aggregates of pg_catalog: they cannot stand in an expression over one row."""


def function_name(call: Tree) -> Name:
    """Return the name of the function in a FuncCall."""
    parts = strings(call.funcname)
    return named(parts)


def volatility(function: Name, context: Context) -> Volatility | None:
    """Return a function's volatility, or None where neither the context nor PostgreSQL's own list has it.

    A built-in function counts as stable at best: which of them are immutable makes no difference to a migration.
    """
    known = context.volatility(function)
    if known is not None:
        return known
    if function.schema in (None, "pg_catalog") and function.name in STEADY:
        return Volatility.STABLE
    return Volatility.VOLATILE if function.name in RANDOM else None


def restless_functions(calls: Iterable[Tree], context: Context) -> tuple[tuple[Name, bool], ...]:
    """Return the functions in FuncCalls that are volatile or unknown, each with whether that is certain."""
    found = {}
    for call in calls:
        name = function_name(call)
        known = volatility(name, context)
        if known in (None, Volatility.VOLATILE):
            found[name] = known is not None
    return tuple(found.items())

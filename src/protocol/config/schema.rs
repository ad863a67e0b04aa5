//! What the JSON Schema says of texts, where a type cannot say it. The checks of this folder decide; a test in
//! `tests/schema` holds the expressions to them. They are written for every dialect: no look-ahead, no classes by name.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::{bounds, mount};

/// `/`, or parts that are not empty, `.` or `..`.
const GUEST_PATH: &str = r"^(/|(/([^/.\x00][^/\x00]*|\.[^/.\x00][^/\x00]*|\.\.[^/\x00]+))+)$";

/// See [`super::absolute_path`].
pub(super) fn guest_path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "maxLength": bounds::PATH_BYTES, "pattern": GUEST_PATH })
}

/// See [`super::Mount::check`].
pub(super) fn mount_point(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = guest_path(generator);
    schema.insert("not".to_owned(), serde_json::json!({ "enum": mount::TAKEN }));
    schema
}

/// See [`super::Mount::check`].
pub(super) fn host_path(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^/[^\x00]*$" })
}

/// See [`super::CreateVmConfig::check`].
pub(super) fn command_directories(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "maxItems": bounds::COMMAND_DIRECTORIES, "items": host_path(generator) })
}

/// See [`super::CreateVmConfig::check`].
pub(super) fn environment(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": r"^[^=\x00]+$" },
        "additionalProperties": { "type": "string", "pattern": r"^[^\x00]*$" },
    })
}

/// See [`super::host_function_name`].
pub(super) fn host_functions(_: &mut SchemaGenerator) -> Schema {
    let part = format!("[A-Za-z_$][A-Za-z0-9_$]{{0,{}}}", bounds::HOST_FUNCTION_PART_BYTES - 1);
    json_schema!({
        "type": "array",
        "maxItems": bounds::HOST_FUNCTIONS,
        "uniqueItems": true,
        "items": {
            "type": "string",
            "pattern": format!(r"^{part}(\.{part})?$"),
            "not": { "pattern": r"^(.*\.)?__proto__(\..*)?$" },
        },
    })
}

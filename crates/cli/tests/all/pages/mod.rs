//! Pages in `docs` that come out of the program.

/// Holds a file in `docs` against what it should be.
pub(crate) fn is_current(name: &str, expected: &str) {
    let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TERRACE_ACCEPT").is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected, "{path} is stale");
}

/// The paths of all values that hold no others.
pub(crate) fn fields(path: &str, value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(object) => {
            for (name, value) in object {
                let separator = if path.is_empty() { "" } else { "." };
                fields(&format!("{path}{separator}{name}"), value, found);
            }
        }
        serde_json::Value::Array(values) if !values.is_empty() => {
            for value in values {
                fields(&format!("{path}[]"), value, found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

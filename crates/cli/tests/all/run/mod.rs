//! Running the program.

use std::process::{Command, Output, Stdio};

/// What a run of the program printed.
pub(crate) struct Ran(Output);

/// The path of a file in `tests/data`.
#[allow(dead_code, reason = "each test program uses a part of this")]
pub(crate) fn data(name: &str) -> String {
    format!("{}/../../tests/data/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs the program.
#[allow(dead_code, reason = "each test program uses a part of this")]
pub(crate) fn terrace(arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrace"));
    Ran(command.args(arguments).stdin(Stdio::null()).output().unwrap())
}

impl Ran {
    /// Standard output, of a run that succeeded silently.
    #[track_caller]
    #[allow(dead_code, reason = "each test program uses a part of this")]
    pub(crate) fn success(self) -> String {
        let error = String::from_utf8(self.0.stderr).unwrap();
        assert!(self.0.status.success() && error.is_empty(), "{:?}: {error}", self.0.status);
        String::from_utf8(self.0.stdout).unwrap()
    }

    /// Standard error, of a run that failed with this exit code, printed nothing else and did not panic.
    #[track_caller]
    #[allow(dead_code, reason = "each test program uses a part of this")]
    pub(crate) fn failure(self, code: i32) -> String {
        let error = String::from_utf8(self.0.stderr).unwrap();
        assert_eq!(self.0.status.code(), Some(code), "{error}");
        assert!(self.0.stdout.is_empty(), "nothing is half written");
        assert!(!error.contains("panicked"), "{error}");
        error
    }

    /// Standard output and standard error, of a run that ended with this exit code and did not panic.
    #[track_caller]
    #[allow(dead_code, reason = "each test program uses a part of this")]
    pub(crate) fn ended(self, code: i32) -> (String, String) {
        let error = String::from_utf8(self.0.stderr).unwrap();
        assert_eq!(self.0.status.code(), Some(code), "{error}");
        assert!(!error.contains("panicked"), "{error}");
        (String::from_utf8(self.0.stdout).unwrap(), error)
    }
}

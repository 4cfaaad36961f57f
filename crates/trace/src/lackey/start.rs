//! Whether a file is a log of lackey.

use super::line::Line;
use crate::lines::length;

/// What lackey calls itself in the first message of a log.
const BANNER: &[u8] = b"== Lackey, an example Valgrind tool";

/// Whether content that starts with `start` is a log of lackey: its first lines are messages of Valgrind of which one
/// is lackey's banner, or the first line that is no message is an access (with `--quiet` there is no banner).
pub(crate) fn starts_like_a_trace(start: &[u8]) -> bool {
    let mut rest = start;
    // A message begins with the process's id between two signs, after the time if that is asked for.
    while rest.starts_with(b"==") {
        let (line, others) = rest.split_at(length(rest));
        if line.windows(BANNER.len()).any(|part| part == BANNER) {
            return true;
        }
        rest = others;
    }
    Line::first_of(rest).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_told_by_its_banner_or_by_its_first_access() {
        for text in [
            "==22607== Lackey, an example Valgrind tool\n==22607== Copyright",
            "==00:00:00:00.000 8031== Lackey, an example Valgrind tool\n",
            "I  0401ab70,3\nI  0401ab73,5\n",
            "==1== Warning: something\n L 1fff000768,8\n",
        ] {
            assert!(starts_like_a_trace(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn other_text_is_no_log() {
        for text in [
            "",
            "\n",
            "==22607== Memcheck, a memory error detector\n==22607== Copyright",
            "Lackey, an example Valgrind tool\n",
            "I  am a text, 3\n",
            "0401ab70,3\nI  0401ab73,5\n",
            "== Heading ==\nLackey\n",
            "I  0401ab70,3",
        ] {
            assert!(!starts_like_a_trace(text.as_bytes()), "{text}");
        }
    }
}

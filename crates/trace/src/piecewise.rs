//! What comes out of a decoder does not depend on where the pieces of its input end, faults and their places included.

use proptest::prelude::*;

use crate::content::Content;
use crate::content::tests::content_in;
use crate::records::Records;
use crate::source::Decode;
use crate::{Batch, champsim, lackey, perf_script, text};

/// All that a decoder gives: thread ids and accesses as text, then the error or the statistics.
fn all(mut decoder: impl Decode) -> Vec<String> {
    let (mut out, mut batch) = (Vec::new(), Batch::new());
    loop {
        match decoder.decode(&mut batch) {
            Ok(true) => {
                let id = batch.thread_id();
                out.extend(batch.accesses().iter().map(|access| format!("{id} {access:?}")));
            }
            Ok(false) => {
                out.push(format!("{:?}", decoder.statistics()));
                return out;
            }
            Err(error) => {
                // How much of a batch comes before an error does not matter.
                return vec![error.to_string()];
            }
        }
    }
}

fn pieces(content: &[u8], lengths: &[usize]) -> Content {
    let mut pieces = Vec::new();
    let mut rest = content;
    for &length in lengths {
        let (piece, left) = rest.split_at(length.min(rest.len()));
        pieces.push(piece.to_vec());
        rest = left;
    }
    pieces.push(rest.to_vec());
    pieces.retain(|piece| !piece.is_empty());
    content_in(pieces)
}

/// Lines of which most are good, in every format of text; some are far longer than what is kept of one.
fn lines(good: &'static str) -> impl Strategy<Value = String> {
    let line = prop_oneof![
        100 => good.boxed(),
        5 => "#[a-z ]{0,40}".boxed(),
        3 => "#[a-z]{990,1010}".boxed(),
        1 => "[0-9]{0,3} {980,1010}[#0-9a-f]{0,12}".boxed(),
        1 => "[0-9a-z ,:]{0,20}".boxed(),
    ];
    (prop::collection::vec(line, 0..60), prop::sample::select(vec!["\n", "\r\n"]), any::<bool>())
        .prop_map(|(lines, end, ends)| lines.join(end) + if ends { end } else { "" })
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1_usize..40, 1_usize..2000], 0..200)
}

proptest! {
    #[test]
    fn of_text(
        text in lines("(0x)?[0-9a-f]{1,13}(,[0-9]{1,4}(,[rwx](,[0-3])?)?)?( # why)?"),
        lengths in lengths(),
    ) {
        let file = |lengths: &[usize]| all(text::TraceFile::new(pieces(text.as_bytes(), lengths)));
        prop_assert_eq!(file(&lengths), file(&[]));
    }

    #[test]
    fn of_perf_script(
        text in lines("[a-z ]{1,9} 1/[0-3] +\\[00[0-9]\\] [0-9]{1,3}\\.[0-9]{6}: mem-(loads|stores): +[0-9a-f]{1,12}( +[0-9a-f]{1,12} main)?"),
        lengths in lengths(),
    ) {
        let file = |lengths: &[usize]| all(perf_script::TraceFile::new(pieces(text.as_bytes(), lengths)));
        prop_assert_eq!(file(&lengths), file(&[]));
    }

    #[test]
    fn of_lackey(text in lines("(I  | [LSM] )[0-9a-f]{1,13},[0-9]{1,3}"), lengths in lengths()) {
        let file = |lengths: &[usize]| all(lackey::TraceFile::new(pieces(text.as_bytes(), lengths)));
        prop_assert_eq!(file(&lengths), file(&[]));
    }

    #[test]
    fn of_champsim(words in prop::collection::vec(0_u64..1 << 55, 0..200), cut in 0_usize..8, lengths in lengths()) {
        let mut content: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        content.truncate(content.len().saturating_sub(cut));
        let records = |lengths: &[usize]| pieces(&content, lengths);
        let own = |lengths: &[usize]| all(champsim::ChampSimFile::new(Records::new(records(lengths))));
        prop_assert_eq!(own(&lengths), own(&[]));
        let cloudsuite = |lengths: &[usize]| all(champsim::CloudSuiteFile::new(Records::new(records(lengths))));
        prop_assert_eq!(cloudsuite(&lengths), cloudsuite(&[]));
    }
}

//! A file of `ChampSim` records.

use std::io::{self, BufWriter, Write};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tempfile::NamedTempFile;

/// Writes `count` instructions into a temporary file: every third loads and every ninth stores, 97 of 100 times in 64
/// KiB and otherwise in 64 MiB, ten times what an STLB reaches.
pub(super) fn write(count: u64) -> io::Result<NamedTempFile> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut place = || {
        let draw = random.next_u64();
        let near = (draw >> 48) % 100 >= 3;
        (1_u64 << 32) + (draw & if near { 0xfff8 } else { 0x3ff_fff8 })
    };
    let mut file = NamedTempFile::with_suffix(".champsim")?;
    let mut writer = BufWriter::new(&mut file);
    for number in 0..count {
        // The instruction's address, two flags, six registers; then two destinations and four sources.
        let mut record = [0; 64];
        record[..8].copy_from_slice(&(0x40_0000 + number % 4096 * 4).to_le_bytes());
        record[12] = 1;
        if number % 9 == 0 {
            record[16..24].copy_from_slice(&place().to_le_bytes());
        }
        if number % 3 == 0 {
            record[32..40].copy_from_slice(&place().to_le_bytes());
        }
        writer.write_all(&record)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(file)
}

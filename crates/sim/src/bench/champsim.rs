//! A file of `ChampSim` records.

use std::io::{self, BufWriter, Write};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use tempfile::NamedTempFile;

/// Writes `count` instructions, every third of which loads from a place in 64 MiB, into a temporary file.
pub(super) fn write(count: u64) -> io::Result<NamedTempFile> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut file = NamedTempFile::with_suffix(".champsim")?;
    let mut writer = BufWriter::new(&mut file);
    for number in 0..count {
        let mut record = [0; 64];
        // The instruction's address, two flags, six registers; then two destinations and four sources.
        record[..8].copy_from_slice(&(0x40_0000 + number % 4096 * 4).to_le_bytes());
        record[12] = 1;
        if number % 3 == 0 {
            let place = (1 << 32) + (random.next_u64() & 0x3ff_fff8);
            record[32..40].copy_from_slice(&place.to_le_bytes());
        }
        writer.write_all(&record)?;
    }
    writer.flush()?;
    drop(writer);
    Ok(file)
}

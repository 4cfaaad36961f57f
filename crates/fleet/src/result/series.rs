//! The samples of simulations: `series.parquet`, a row for each run, sample and value, in the columns that the series of
//! other runs have.
//!
//! The rule: the same samples give the same bytes. The properties are constants, and rows are cut into groups by their
//! number alone.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;
use terrace_addr::convert;

use crate::sim::Sample;

/// Rows of a row group.
const GROUP: usize = 1 << 16;

/// A value of a sample.
type ValueOf = fn(&Sample) -> f64;

/// The values of a sample, by their names.
const VALUES: [(&str, ValueOf); 8] = [
    ("vms", |sample| real(sample.vms)),
    ("contiguous_vms", |sample| real(sample.contiguous_vms)),
    ("servers_on", |sample| real(sample.servers_on)),
    ("servers_occupied", |sample| real(sample.servers_occupied)),
    ("free_bytes", |sample| real(sample.free)),
    ("largest_extent_bytes", |sample| real(sample.largest)),
    ("mean_largest_extent_bytes", |sample| sample.mean_largest),
    ("repair_bytes", |sample| real(sample.repaired)),
];

const fn real(count: u64) -> f64 {
    convert::ratio(count, 1)
}

/// Writes the samples of all runs.
///
/// # Errors
/// If the writer fails.
pub fn write_series<W: Write + Send>(to: W, runs: &[&[Sample]]) -> Result<W, ParquetError> {
    let rows = (0_i32..).zip(runs).flat_map(|(run, samples)| {
        let values = move |sample| VALUES.iter().map(move |(name, value)| (run, sample, *name, *value));
        samples.iter().flat_map(values)
    });
    let rows: Vec<_> = rows.collect();
    let properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by("terrace".into())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_dictionary_enabled(true)
        .build();
    let mut file = SerializedFileWriter::new(to, Arc::new(schema()?), Arc::new(properties))?;
    for rows in rows.chunks(GROUP) {
        let mut group = file.next_row_group()?;
        let runs: Vec<_> = rows.iter().map(|(run, ..)| *run).collect();
        let ends: Vec<_> = rows.iter().map(|(_, sample, ..)| convert::signed(sample.end.get())).collect();
        let scope = ByteArray::from("fleet");
        let metrics: Vec<_> = rows.iter().map(|(_, _, name, _)| ByteArray::from(*name)).collect();
        let values: Vec<_> = rows.iter().map(|(_, sample, _, value)| value(sample)).collect();
        column::<Int32Type, W>(&mut group, &runs)?;
        column::<Int64Type, W>(&mut group, &ends)?;
        column::<ByteArrayType, W>(&mut group, &vec![scope; rows.len()])?;
        column::<ByteArrayType, W>(&mut group, &metrics)?;
        column::<DoubleType, W>(&mut group, &values)?;
        group.close()?;
    }
    file.into_inner()
}

fn schema() -> Result<Type, ParquetError> {
    let unsigned = |bit_width| Some(LogicalType::Integer { bit_width, is_signed: false });
    let columns = [
        ("run", Physical::INT32, unsigned(32)),
        ("end_ns", Physical::INT64, unsigned(64)),
        ("scope", Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ("metric", Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ("value", Physical::DOUBLE, None),
    ];
    let fields = columns.into_iter().map(|(name, physical, logical)| {
        let field = Type::primitive_type_builder(name, physical).with_logical_type(logical);
        field.with_repetition(Repetition::REQUIRED).build().map(Arc::new)
    });
    let fields: Result<Vec<_>, _> = fields.collect();
    Type::group_type_builder("series").with_fields(fields?).build()
}

fn column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".into()));
    };
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

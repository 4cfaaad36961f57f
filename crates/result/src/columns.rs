//! Tables as Parquet files: a column is a kind of values, a file is row groups of a fixed size.
//!
//! The rule: the same rows give the same bytes. The properties are constants, nothing of the time or the host is
//! written, and rows are cut into groups by their number alone.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::Type;

/// Rows of a row group: some megabytes of the widest table.
pub(crate) const GROUP: usize = 1 << 16;

/// What a column of a Parquet file is: tables, files and documentation come from this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name in the file.
    pub name: &'static str,
    /// What its values are counted in, or what kind of text they are.
    pub unit: &'static str,
    /// What it is, exactly.
    pub meaning: &'static str,
    pub(crate) kind: Kind,
}

/// The values that a column can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Unsigned, of 32 bits.
    Narrow,
    /// Of 64 bits; there may be none.
    Wide(Sign, Presence),
    /// Floating point.
    Number,
    Text,
}

impl TableColumn {
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        unit: &'static str,
        meaning: &'static str,
    ) -> Self {
        Self { name, unit, meaning, kind }
    }

    /// The type of its values in Parquet's terms, `optional` where a row may have none.
    pub const fn physical(&self) -> &'static str {
        match self.kind {
            Kind::Narrow => "UINT32",
            Kind::Wide(Sign::Unsigned, Presence::Always) => "UINT64",
            Kind::Wide(Sign::Unsigned, Presence::Sometimes) => "UINT64, optional",
            Kind::Wide(Sign::Signed, Presence::Always) => "INT64",
            Kind::Wide(Sign::Signed, Presence::Sometimes) => "INT64, optional",
            Kind::Number => "DOUBLE",
            Kind::Text => "UTF8",
        }
    }
}

/// The values of one column, for the rows of one row group.
#[derive(Debug)]
struct Column {
    name: &'static str,
    /// For each row 1 if it has a value, where a value may be missing.
    present: Option<Vec<i16>>,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Narrow(Vec<i32>),
    Wide(Vec<i64>, Sign),
    Number(Vec<f64>),
    Text(Vec<ByteArray>),
}

/// Whether the values of a wide column can be negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    Signed,
    Unsigned,
}

/// Whether each row has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Always,
    Sometimes,
}

impl Column {
    fn new(declared: &TableColumn) -> Self {
        let values = match declared.kind {
            Kind::Narrow => Values::Narrow(Vec::new()),
            Kind::Wide(sign, _) => Values::Wide(Vec::new(), sign),
            Kind::Number => Values::Number(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        let present = matches!(declared.kind, Kind::Wide(_, Presence::Sometimes)).then(Vec::new);
        Self { name: declared.name, present, values }
    }

    fn schema(&self) -> Result<Type, ParquetError> {
        let (physical, logical) = match &self.values {
            Values::Narrow(_) => (Physical::INT32, Some(integer(32, Sign::Unsigned))),
            Values::Wide(_, sign) => (Physical::INT64, Some(integer(64, *sign))),
            Values::Number(_) => (Physical::DOUBLE, None),
            Values::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let repetition = if self.present.is_some() { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        Type::primitive_type_builder(self.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition)
            .build()
    }

    fn write<W: Write + Send>(
        &self,
        group: &mut SerializedRowGroupWriter<'_, W>,
    ) -> Result<(), ParquetError> {
        let present = self.present.as_deref();
        match &self.values {
            Values::Narrow(values) => write::<Int32Type, W>(group, values, present),
            Values::Wide(values, _) => write::<Int64Type, W>(group, values, present),
            Values::Number(values) => write::<DoubleType, W>(group, values, present),
            Values::Text(values) => write::<ByteArrayType, W>(group, values, present),
        }
    }

    fn clear(&mut self) {
        if let Some(present) = &mut self.present {
            present.clear();
        }
        match &mut self.values {
            Values::Narrow(values) => values.clear(),
            Values::Wide(values, _) => values.clear(),
            Values::Number(values) => values.clear(),
            Values::Text(values) => values.clear(),
        }
    }
}

fn integer(bit_width: i8, sign: Sign) -> LogicalType {
    LogicalType::Integer { bit_width, is_signed: sign == Sign::Signed }
}

fn write<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    present: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".into()));
    };
    column.typed::<T>().write_batch(values, present, None)?;
    column.close()
}

/// One value of a row.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cell<'a> {
    Narrow(u32),
    /// The bits of a number of 64 bits, of the sign that its column has.
    Wide(Option<u64>),
    Number(f64),
    Text(&'a str),
}

/// Writes rows to a Parquet file.
#[derive(Debug)]
pub(crate) struct TableWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Column>,
    rows: usize,
}

impl<W: Write + Send> TableWriter<W> {
    pub(crate) fn new(to: W, name: &str, columns: &[TableColumn]) -> Result<Self, ParquetError> {
        let columns: Vec<_> = columns.iter().map(Column::new).collect();
        let fields: Result<Vec<_>, _> = columns.iter().map(|column| column.schema().map(Arc::new)).collect();
        let schema = Type::group_type_builder(name).with_fields(fields?).build()?;
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by("terrace".into())
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_dictionary_enabled(true)
            .set_max_row_group_size(GROUP)
            .build();
        let file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { file, columns, rows: 0 })
    }

    /// Adds a row, whose cells are of the columns' kinds and in their order.
    pub(crate) fn push<const N: usize>(&mut self, row: [Cell<'_>; N]) -> Result<(), ParquetError> {
        debug_assert_eq!(N, self.columns.len(), "a cell for each column");
        for (column, cell) in self.columns.iter_mut().zip(row) {
            match (&mut column.values, cell) {
                (Values::Narrow(values), Cell::Narrow(value)) => {
                    values.push(i32::from_ne_bytes(value.to_ne_bytes()));
                }
                (Values::Wide(values, _), Cell::Wide(value)) => {
                    values.extend(value.map(terrace_addr::convert::signed));
                    if let Some(present) = &mut column.present {
                        present.push(i16::from(value.is_some()));
                    }
                }
                (Values::Number(values), Cell::Number(value)) => values.push(value),
                // One allocation for each run of equal texts, of which tables are full.
                (Values::Text(values), Cell::Text(text)) => match values.last() {
                    Some(last) if last.data() == text.as_bytes() => values.push(last.clone()),
                    _ => values.push(ByteArray::from(text)),
                },
                _ => {
                    let message = format!("a cell of another kind than the column {}", column.name);
                    return Err(ParquetError::General(message));
                }
            }
        }
        self.rows += 1;
        if self.rows == GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &mut self.columns {
            column.write(&mut group)?;
            column.clear();
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }

    /// Writes what is left, and the end of the file.
    pub(crate) fn finish(mut self) -> Result<W, ParquetError> {
        self.flush()?;
        self.file.into_inner()
    }
}

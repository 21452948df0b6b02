//! A table of answers as Parquet, by the `parquet` crate of Apache Arrow without Arrow itself.
//!
//! Rows go out in groups, so that memory does not grow with their number. Probabilities are stored as they are: snappy gains nothing on
//! them; texts are compressed.

use super::Error;
use super::table::{About, FIXED, Layout, Row};
use crate::workspace::write_whole;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader as _, RowGroupReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Rows of a group: with fifty tags some three megabytes.
const GROUP: usize = 16_384;

/// Key of the file's metadata under which [`About`] stands, as JSON.
const KEY: &str = "attune";

fn schema(about: &About) -> Result<Type, ParquetError> {
    let fields = about
        .columns()
        .into_iter()
        .enumerate()
        .map(|(place, name)| {
            let field = match place {
                2 => Type::primitive_type_builder(&name, Physical::DOUBLE),
                place if place < FIXED.len() => {
                    Type::primitive_type_builder(&name, Physical::BYTE_ARRAY)
                        .with_converted_type(ConvertedType::UTF8)
                        .with_logical_type(Some(LogicalType::String))
                }
                _ => Type::primitive_type_builder(&name, Physical::FLOAT),
            };
            let repetition = if place < 2 {
                Repetition::REQUIRED
            } else {
                Repetition::OPTIONAL
            };
            Ok(Arc::new(field.with_repetition(repetition).build()?))
        });
    let fields = fields.collect::<Result<_, ParquetError>>()?;
    Type::group_type_builder("answers")
        .with_fields(fields)
        .build()
}

pub(super) fn write(
    path: &Path,
    about: &About,
    rows: &mut dyn Iterator<Item = Result<Row, Error>>,
) -> Result<(), Error> {
    let mut failed = None;
    let written = write_whole(path, |file| {
        let described = serde_json::to_string(about)?;
        let mut properties = WriterProperties::builder()
            .set_created_by(format!("attune version {}", about.version))
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_dictionary_enabled(false)
            .set_key_value_metadata(Some(vec![KeyValue::new(KEY.to_owned(), described)]));
        for name in FIXED {
            let column = ColumnPath::new(vec![name.to_owned()]);
            properties = properties.set_column_compression(column, Compression::SNAPPY);
        }
        let schema = Arc::new(schema(about)?);
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build()))?;
        let mut group = Vec::new();
        loop {
            let row = match rows.next().transpose() {
                Ok(row) => row,
                Err(error) => {
                    failed = Some(error);
                    return Err(io::Error::other("no more rows"));
                }
            };
            let is_last = row.is_none();
            group.extend(row);
            if group.len() == GROUP || (is_last && !group.is_empty()) {
                let mut out = writer.next_row_group()?;
                write_group(&mut out, &group, about.tags.len())?;
                out.close()?;
                group.clear();
            }
            if is_last {
                writer.close()?;
                return Ok(());
            }
        }
    });
    match failed {
        Some(error) => Err(error),
        None => written.map_err(Error::io("write", path)),
    }
}

fn write_group<W: io::Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    rows: &[Row],
    n_tags: usize,
) -> Result<(), ParquetError> {
    let text = |text: &String| ByteArray::from(text.as_bytes().to_vec());
    let texts = |of: &dyn Fn(&Row) -> &String| rows.iter().map(|row| text(of(row))).collect();
    put::<ByteArrayType, _>(out, texts(&|row| &row.id), None)?;
    put::<ByteArrayType, _>(out, texts(&|row| &row.path), None)?;
    let secs: Vec<Option<f64>> = rows.iter().map(|row| row.duration_secs).collect();
    put_optional::<DoubleType, _>(out, secs)?;
    for of in [
        |row: &Row| row.error.clone(),
        |row: &Row| row.warning.clone(),
    ] {
        let texts = rows.iter().map(of);
        let texts = texts.map(|found| (!found.is_empty()).then(|| text(&found)));
        put_optional::<ByteArrayType, _>(out, texts.collect())?;
    }
    for tag in 0..n_tags {
        let column = rows.iter().map(|row| row.probabilities.get(tag).copied());
        put_optional::<FloatType, _>(out, column.collect())?;
    }
    Ok(())
}

fn put_optional<T: DataType, W: io::Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    column: Vec<Option<T::T>>,
) -> Result<(), ParquetError> {
    let levels: Vec<i16> = column
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values = column.into_iter().flatten().collect();
    put::<T, W>(out, values, Some(&levels))
}

fn put<T: DataType, W: io::Write + Send>(
    out: &mut SerializedRowGroupWriter<'_, W>,
    values: Vec<T::T>,
    levels: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("more columns than the schema has".to_owned());
    let mut column = out.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(&values, levels, None)?;
    column.close()
}

pub(super) fn read(
    path: &Path,
    visit: &mut dyn FnMut(&About, Row) -> Result<(), Error>,
) -> Result<About, Error> {
    let wrong = |error: ParquetError| Error::not_a_table(path, error);
    let file = File::open(path).map_err(Error::io("read", path))?;
    let reader = SerializedFileReader::new(file).map_err(wrong)?;
    let metadata = reader.metadata().file_metadata();
    let described = metadata.key_value_metadata().into_iter().flatten();
    let described = described
        .filter(|pair| pair.key == KEY)
        .find_map(|pair| pair.value.as_ref());
    let about = described
        .map(|text| serde_json::from_str(text).map_err(|error| Error::not_a_table(path, error)))
        .transpose()?;
    let columns = metadata.schema_descr().columns();
    if columns
        .iter()
        .any(|column| column.max_rep_level() > 0 || column.max_def_level() > 1)
    {
        return Err(Error::not_a_table(path, "it has nested columns"));
    }
    let names: Vec<String> = columns
        .iter()
        .map(|column| column.name().to_owned())
        .collect();
    let layout = Layout::of(path, &names, about)?;
    for number in 0..reader.num_row_groups() {
        let group = reader.get_row_group(number).map_err(wrong)?;
        let group = Group {
            n_rows: group.metadata().num_rows().max(0) as usize,
            reader: &*group,
        };
        read_group(&group, &layout, visit, &wrong)?;
    }
    Ok(layout.about)
}

/// Rows of a file that are read together.
struct Group<'a> {
    reader: &'a dyn RowGroupReader,
    n_rows: usize,
}

fn read_group(
    group: &Group<'_>,
    layout: &Layout,
    visit: &mut dyn FnMut(&About, Row) -> Result<(), Error>,
    wrong: &dyn Fn(ParquetError) -> Error,
) -> Result<(), Error> {
    let texts = |place: Option<usize>| match place {
        None => Ok(vec![String::new(); group.n_rows]),
        Some(place) => group.texts(place).map_err(wrong),
    };
    let [ids, paths, errors, warnings] =
        [0, 1, 3, 4].map(|column: usize| texts(layout.fixed[column]));
    let (ids, paths, errors, warnings) = (ids?, paths?, errors?, warnings?);
    let secs = match layout.fixed[2] {
        None => vec![None; group.n_rows],
        Some(place) => group.numbers(place).map_err(wrong)?,
    };
    let tags = layout.tags.iter().map(|&place| group.numbers(place));
    let tags = tags.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let texts = ids
        .into_iter()
        .zip(paths)
        .zip(errors.into_iter().zip(warnings));
    for (row, ((id, path), (error, warning))) in texts.enumerate() {
        let probabilities: Option<Vec<f32>> = tags
            .iter()
            .map(|column| column[row].map(|number| number as f32))
            .collect();
        let row = Row {
            id: if layout.fixed[0].is_some() {
                id
            } else {
                path.clone()
            },
            path,
            duration_secs: secs[row],
            probabilities: probabilities.unwrap_or_default(),
            error,
            warning,
        };
        visit(&layout.about, row)?;
    }
    Ok(())
}

impl Group<'_> {
    fn texts(&self, place: usize) -> Result<Vec<String>, ParquetError> {
        match self.reader.get_column_reader(place)? {
            ColumnReader::ByteArrayColumnReader(column) => {
                let found = self.values(column)?.into_iter();
                let text = |bytes: ByteArray| String::from_utf8_lossy(bytes.data()).into_owned();
                Ok(found
                    .map(|value| value.map(text).unwrap_or_default())
                    .collect())
            }
            _ => Err(ParquetError::General(format!("column {place} is no text"))),
        }
    }

    fn numbers(&self, place: usize) -> Result<Vec<Option<f64>>, ParquetError> {
        match self.reader.get_column_reader(place)? {
            ColumnReader::FloatColumnReader(column) => {
                let found = self.values(column)?.into_iter();
                Ok(found.map(|value| value.map(f64::from)).collect())
            }
            ColumnReader::DoubleColumnReader(column) => self.values(column),
            _ => Err(ParquetError::General(format!(
                "column {place} holds no real numbers"
            ))),
        }
    }

    /// Values by row; `None` where there is none.
    fn values<T: DataType>(
        &self,
        mut column: ColumnReaderImpl<T>,
    ) -> Result<Vec<Option<T::T>>, ParquetError> {
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        while values.len() < self.n_rows {
            let (n_records, _, _) =
                column.read_records(self.n_rows, Some(&mut levels), None, &mut values)?;
            if n_records == 0 {
                break;
            }
        }
        let n_values = values.len();
        let mut values = values.into_iter();
        let column: Vec<_> = if levels.is_empty() {
            values.map(Some).collect()
        } else {
            levels
                .iter()
                .map(|&level| if level > 0 { values.next() } else { None })
                .collect()
        };
        if column.len() == self.n_rows {
            Ok(column)
        } else {
            Err(ParquetError::General(format!(
                "{} rows in a column with {n_values} values, {} in the group",
                column.len(),
                self.n_rows
            )))
        }
    }
}

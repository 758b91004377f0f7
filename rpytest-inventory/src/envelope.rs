//! Archives with a header that tells whether they may be looked at: format, length and checksum.
//!
//! ```text
//! magic  4 bytes   "rpyI"
//! format 4 bytes   FORMAT and the shape of the archives, mixed
//! length 4 bytes   of the archive
//! crc    4 bytes   CRC-32 of the archive
//! the archive, aligned to 16 bytes when the header is
//! ```

use std::sync::LazyLock;

use rkyv::api::high::{HighSerializer, HighValidator};
use rkyv::bytecheck::CheckBytes;
use rkyv::de::Pool;
use rkyv::rancor::{Error as RkyvError, Strategy};
use rkyv::ser::allocator::ArenaHandle;
use rkyv::util::AlignedVec;
use rkyv::{Archive, Deserialize, Serialize};

/// The version of what is on disk. To be counted up when something changes that neither [`crate::archive`] nor the
/// snapshot's `layout.rs` shows, such as the version of rkyv.
const FORMAT: u32 = 3;

const MAGIC: [u8; 4] = *b"rpyI";

/// How long a header is.
pub(crate) const HEADER: usize = 16;

/// The version of all that this crate writes: any change of a shape is another format.
pub(crate) static SCHEMA: LazyLock<u32> = LazyLock::new(|| {
    let shapes = [include_str!("archive.rs"), include_str!("snapshot/layout.rs")].concat();
    crc32fast::hash(shapes.as_bytes()).wrapping_add(FORMAT)
});

/// Why bytes cannot be read as what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Another version of rpytest wrote them, or something else did.
    #[error("it has another format")]
    Version,
    /// They are not what was written.
    #[error("it is damaged")]
    Damaged,
    /// It was written in another directory.
    #[error("it is of another inventory")]
    Misplaced,
}

/// An archive with its header.
pub(crate) fn seal<T>(value: &T) -> Vec<u8>
where
    T: for<'a> Serialize<HighSerializer<AlignedVec, ArenaHandle<'a>, RkyvError>>,
{
    let archive = rkyv::to_bytes::<RkyvError>(value).expect("memory is all that it needs");
    let length = u32::try_from(archive.len()).expect("32-bit archives are shorter than 4 GiB");
    let mut sealed = Vec::with_capacity(HEADER + archive.len());
    sealed.extend(MAGIC);
    for number in [*SCHEMA, length, crc32fast::hash(&archive)] {
        sealed.extend(number.to_le_bytes());
    }
    sealed.extend_from_slice(&archive);
    sealed
}

/// What a header says of the archive behind it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub(crate) length: usize,
    crc: u32,
}

impl Header {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, FormatError> {
        let (magic, numbers) = bytes.get(..HEADER).ok_or(FormatError::Damaged)?.split_at(4);
        let number = |at: usize| u32::from_le_bytes(numbers[at..at + 4].try_into().expect("four bytes"));
        if magic != MAGIC || number(0) != *SCHEMA {
            return Err(FormatError::Version);
        }
        Ok(Self { length: number(4) as usize, crc: number(8) })
    }

    /// The archive, which is aligned, as what it should be.
    pub(crate) fn open<T>(self, archive: &[u8]) -> Result<&T::Archived, FormatError>
    where
        T: Archive,
        T::Archived: for<'a> CheckBytes<HighValidator<'a, RkyvError>>,
    {
        if archive.len() != self.length || crc32fast::hash(archive) != self.crc {
            return Err(FormatError::Damaged);
        }
        rkyv::access::<T::Archived, RkyvError>(archive).map_err(|_| FormatError::Damaged)
    }
}

/// The value that [`seal`] made these bytes from.
pub(crate) fn unseal<T>(bytes: &[u8]) -> Result<T, FormatError>
where
    T: Archive,
    T::Archived: for<'a> CheckBytes<HighValidator<'a, RkyvError>> + Deserialize<T, Strategy<Pool, RkyvError>>,
{
    let header = Header::read(bytes)?;
    let mut archive: AlignedVec = AlignedVec::with_capacity(bytes.len());
    archive.extend_from_slice(&bytes[HEADER..]);
    rkyv::deserialize::<T, RkyvError>(header.open::<T>(&archive)?).map_err(|_| FormatError::Damaged)
}

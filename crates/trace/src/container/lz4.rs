//! lz4 frames behind one another.
//!
//! The library's decoder reads one frame after the other, but gives the same answer, no bytes, for the end of a
//! frame, for a block without content and for input that ends inside a frame. These are told apart here by what it
//! asks of its input, so that a file that is cut short never passes for a whole one. Each frame has a decoder of its
//! own, because block sizes may differ between frames.

use std::io::{self, BufRead, ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

/// What the decoder is told when it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// The bytes of the input; its end is a failure, because the decoder only reads inside a frame.
    Input,
    /// "Interrupted": passed on at once by one that looks for a new frame, and asked again by one that is inside a
    /// frame and needs its next block.
    Interrupted,
    /// A failure.
    Nothing,
}

/// The input of the decoder of one frame.
struct Input<R> {
    reader: R,
    answer: Answer,
}

impl<R: BufRead> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.answer {
            Answer::Input => match self.reader.read(buffer)? {
                0 if !buffer.is_empty() => {
                    self.answer = Answer::Nothing;
                    Err(ErrorKind::Other.into())
                }
                read => Ok(read),
            },
            Answer::Interrupted => {
                self.answer = Answer::Nothing;
                Err(ErrorKind::Interrupted.into())
            }
            Answer::Nothing => Err(ErrorKind::Other.into()),
        }
    }
}

/// The content of all frames.
pub(super) struct Lz4Frames<R: BufRead> {
    /// The decoder of the frame at hand; gone at the end.
    decoder: Option<FrameDecoder<Input<R>>>,
}

impl<R: BufRead> Lz4Frames<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { decoder: Some(FrameDecoder::new(Input { reader, answer: Answer::Input })) }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(buffer);
            match read {
                Ok(0) if !buffer.is_empty() => {}
                Err(_) if decoder.get_ref().answer == Answer::Nothing => {
                    return Err(ErrorKind::UnexpectedEof.into());
                }
                read => return read,
            }
            decoder.get_mut().answer = Answer::Interrupted;
            let inside = match decoder.read(buffer) {
                Err(error) => error.kind() != ErrorKind::Interrupted,
                Ok(_) => false,
            };
            let input = decoder.get_mut();
            input.answer = Answer::Input;
            if inside {
                // A block without content: the decoder goes on.
                continue;
            }
            let ended = input.reader.fill_buf()?.is_empty();
            let input = self.decoder.take().map(FrameDecoder::into_inner);
            self.decoder = input.filter(|_| !ended).map(FrameDecoder::new);
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write as _;

    fn frame(content: &[u8], size: BlockSize, mode: BlockMode) -> Vec<u8> {
        let info = FrameInfo::new().block_size(size).block_mode(mode).content_checksum(true);
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        Lz4Frames::new(packed).read_to_end(&mut content).map(|_| content)
    }

    #[test]
    fn frames_of_several_block_sizes_are_one_content() {
        let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let packed = [
            frame(&content, BlockSize::Max1MB, BlockMode::Linked),
            frame(b"", BlockSize::Max64KB, BlockMode::Linked),
            frame(&content[..70_000], BlockSize::Max64KB, BlockMode::Linked),
            frame(b"end", BlockSize::Max256KB, BlockMode::Independent),
        ]
        .concat();
        assert!(unpack(&packed).unwrap() == [&content[..], &content[..70_000], b"end"].concat());
    }

    #[test]
    fn frames_that_are_cut_anywhere_are_no_shorter_content() {
        let first = frame(b"some content, some content", BlockSize::Max64KB, BlockMode::Independent);
        let packed = [&first[..], &first].concat();
        for length in (0..packed.len()).filter(|&length| length != first.len()) {
            assert_eq!(unpack(&packed[..length]).unwrap_err().kind(), ErrorKind::UnexpectedEof, "{length}");
        }
        assert_eq!(unpack(&packed).unwrap().len(), 52);
    }

    #[test]
    fn a_block_without_content_does_not_end_a_frame() {
        let packed = frame(b"text", BlockSize::Max64KB, BlockMode::Independent);
        // Magic, flags, block size and header check sum take 7 bytes; an uncompressed block of 0 bytes follows.
        let (header, rest) = packed.split_at(7);
        let with_empty = [header, &0x8000_0000_u32.to_le_bytes(), rest].concat();
        assert_eq!(unpack(&with_empty).unwrap(), b"text");
        assert_eq!(unpack(&with_empty[..11]).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}

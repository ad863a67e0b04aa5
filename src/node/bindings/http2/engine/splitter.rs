//! Where frames end in what comes in. nghttp2 is given one frame at a time, so that what it tells of one is done before
//! the next is read, and no guest code runs inside of it.

/// What a client sends before its first frame.
const PREFACE: usize = 24;

/// Bytes of a frame's head.
const HEAD: usize = 9;

/// See the module.
pub(in crate::bindings::http2) struct Splitter {
    preface_left: usize,
    head: [u8; HEAD],
    head_length: usize,
    payload_left: usize,
}

impl Splitter {
    pub fn new(is_server: bool) -> Splitter {
        Splitter {
            preface_left: if is_server { PREFACE } else { 0 },
            head: [0; HEAD],
            head_length: 0,
            payload_left: 0,
        }
    }

    /// How many of the bytes come before the next frame's beginning: at least one, if there are any.
    pub fn piece(&mut self, bytes: &[u8]) -> usize {
        if self.preface_left > 0 {
            let length = self.preface_left.min(bytes.len());
            self.preface_left -= length;
            return length;
        }
        let mut taken = 0;
        if self.payload_left == 0 {
            for (place, byte) in self.head.iter_mut().skip(self.head_length).zip(bytes) {
                *place = *byte;
                taken += 1;
            }
            self.head_length += taken;
            if self.head_length < HEAD {
                return taken;
            }
            self.head_length = 0;
            let [high, middle, low, ..] = self.head;
            self.payload_left = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        }
        let length = self.payload_left.min(bytes.len() - taken);
        self.payload_left -= length;
        taken + length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(splitter: &mut Splitter, mut bytes: &[u8]) -> Vec<usize> {
        let mut lengths = Vec::new();
        while !bytes.is_empty() {
            let length = splitter.piece(bytes);
            assert!(length > 0);
            lengths.push(length);
            bytes = &bytes[length..];
        }
        lengths
    }

    #[test]
    fn ends_with_frames() {
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        bytes.extend([0, 0, 3, 0, 0, 0, 0, 0, 1, b'a', b'b', b'c']);
        bytes.extend([0, 1, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0; 256]);
        assert_eq!(pieces(&mut Splitter::new(true), &bytes), [24, 9, 12, 265]);
    }

    #[test]
    fn goes_on_where_it_was() {
        let frame = [0, 0, 3, 0, 0, 0, 0, 0, 1, b'a', b'b', b'c'];
        let mut splitter = Splitter::new(false);
        let mut total = 0;
        for chunk in frame.repeat(3).chunks(5) {
            total += pieces(&mut splitter, chunk).into_iter().sum::<usize>();
        }
        assert_eq!(total, 36);
        assert_eq!(pieces(&mut splitter, &frame), [12]);
    }
}

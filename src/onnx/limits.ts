/**
 * What a model file may ask of this process before it is refused. A file is untrusted input: it may come from a pull request.
 */

/** Groups and messages nested deeper than this are refused, as protobuf itself does (CWE-674; protobufjs #2121, CVE-2024-7254). */
export const MAX_NESTING = 100;

/**
 * Estimated heap that names, nodes and attributes of one model may take, in bytes (CWE-770). An empty node costs two bytes
 * of file and a few hundred of heap, so the file's size alone bounds nothing. 20,000 convolutions are charged about 33 MB.
 */
export const MAX_HEADER_BYTES = 512 * 1024 * 1024;

/** What one object of the header is charged against MAX_HEADER_BYTES, and one entry of a list. */
export const OBJECT_BYTES = 256;
export const ENTRY_BYTES = 16;

/** Longer names are refused; longer string attributes (compiled engine blobs) are skipped (CWE-770). */
export const MAX_STRING_BYTES = 1024 * 1024;

/** Size of the buffer that the header is read through, and of the first read after a skipped tensor. */
export const MAX_WINDOW_BYTES = 256 * 1024;
export const MIN_WINDOW_BYTES = 4 * 1024;

/** Piece in which what does not change is copied. */
export const COPY_CHUNK_BYTES = 1024 * 1024;

/** Protobuf's own limit for one message (protobuf.dev, "total size"). */
export const MAX_MODEL_BYTES = 2 ** 31;

export { type ClassRevival, type CodecClass, type RevivableClass, registerClass } from './codec/classes.ts';
export type { CodecLimits } from './codec/limits.ts';
export { type Codec, type CodecContext, type CodecOptions, createCodec, defaultCodec } from './codec.ts';
export { type CompressionOptions, compressedCodec } from './compressed-codec.ts';
export * from './contract.ts';
export { decodeEnvelope, type EnvelopeDetails, encodeEnvelope } from './envelope.ts';
export { type JsonCodecOptions, jsonCodec } from './json-codec.ts';
export { type SealAlgorithm, type SealOptions, sealedCodec } from './sealed-codec.ts';
export { decodeTextEnvelope, encodeTextEnvelope } from './text-envelope.ts';

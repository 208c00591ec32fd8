export { type Codec, type CodecOptions, createCodec, defaultCodec } from './codec.ts';
export * from './contract.ts';
export { decodeEnvelope, type EnvelopeDetails, encodeEnvelope } from './envelope.ts';

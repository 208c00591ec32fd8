import type { WriteStream } from 'node:tty';
import { Presets, SingleBar } from 'cli-progress';

/** How far the program has come, told to whoever looks at `stream`. */
export interface Progress {
  advance(): void;
  stop(): void;
}

/** A bar on a terminal; where the output is piped, a plain line at each quarter of the way. */
export function showProgress(total: number, stream: WriteStream): Progress {
  return stream.isTTY ? showBar(total, stream) : showLines(total, stream);
}

function showBar(total: number, stream: WriteStream): Progress {
  const format = 'measuring {bar} {value}/{total} packages';
  const bar = new SingleBar({ format, stream, hideCursor: true }, Presets.shades_classic);
  bar.start(total, 0);
  return { advance: () => bar.increment(), stop: () => bar.stop() };
}

function showLines(total: number, stream: NodeJS.WritableStream): Progress {
  let done = 0;
  const advance = (): void => {
    done += 1;
    if (Math.floor((4 * done) / total) > Math.floor((4 * (done - 1)) / total)) {
      stream.write(`measured ${done} of ${total} packages\n`);
    }
  };
  return { advance, stop: () => {} };
}

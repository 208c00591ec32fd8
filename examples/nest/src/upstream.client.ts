import { BadGatewayException, Inject, Injectable, NotFoundException } from '@nestjs/common';

/** The token of the address of the upstream. */
export const UPSTREAM_URL = Symbol('UPSTREAM_URL');

/** Asks the upstream. Remembers nothing: that is for those who know what a value means. */
@Injectable()
export class UpstreamClient {
  constructor(@Inject(UPSTREAM_URL) private readonly url: string) {}

  async read<T>(path: string): Promise<T> {
    const response = await fetch(`${this.url}${path}`);
    if (response.status === 404) throw new NotFoundException(`There is no ${path}.`);
    if (!response.ok) throw new BadGatewayException(`The upstream answered ${response.status}.`);
    return (await response.json()) as T;
  }

  async write(path: string, body: unknown): Promise<void> {
    const response = await fetch(`${this.url}${path}`, { method: 'PUT', body: JSON.stringify(body) });
    if (!response.ok) throw new BadGatewayException(`The upstream answered ${response.status} to a write.`);
  }
}

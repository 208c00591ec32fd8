import type { ServerResponse } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Observable } from 'rxjs';

/** How long browsers may keep what a route answers, in seconds. */
export const MaxAge = Reflector.createDecorator<number>();

/** Says so in the `cache-control` header of every answer, whether its handler ran or was answered from memory. */
@Injectable()
export class MaxAgeInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const seconds = this.reflector.get(MaxAge, context.getHandler());
    if (seconds !== undefined) {
      context.switchToHttp().getResponse<ServerResponse>().setHeader('cache-control', `private, max-age=${seconds}`);
    }
    return next.handle();
  }
}

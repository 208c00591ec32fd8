import { type CanActivate, type CustomDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

export type Role = 'customer' | 'staff';

const ROLES = 'roles';

/** Who may use a route; everybody where it is not said. */
export const Roles = (...roles: Role[]): CustomDecorator => SetMetadata(ROLES, roles);

/** Refuses requests whose `x-role` is not among the roles of the handler. (A real one asks a session.) */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const roles = this.reflector.getAllAndOverride<Role[] | undefined>(ROLES, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (roles === undefined) return true;
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    return roles.includes(headers['x-role'] as Role);
  }
}

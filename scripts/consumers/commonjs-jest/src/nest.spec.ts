import 'reflect-metadata';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type INestApplication,
  Injectable,
  Param,
  SetMetadata,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { cached } from '@reprise/core';
import { type User, UsersService } from './users.service';

@Injectable()
class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const role = this.reflector.get<string | undefined>('role', context.getHandler());
    return role === undefined || context.switchToHttp().getRequest().headers['x-role'] === role;
  }
}

@Controller('users')
class UsersController {
  runs = 0;
  constructor(private readonly users: UsersService) {}

  @Get(':id')
  async find(@Param('id') id: string): Promise<User> {
    return this.users.find(id);
  }

  @cached()
  @SetMetadata('role', 'staff')
  @Get(':id/visits')
  async countVisits(@Param('id') id: string): Promise<string> {
    return `${id}: ${++this.runs}`;
  }
}

describe('a Nest application', () => {
  let app: INestApplication;
  let url: string;
  beforeEach(async () => {
    const module = await Test.createTestingModule({
      controllers: [UsersController],
      providers: [UsersService, { provide: APP_GUARD, useClass: RolesGuard }],
    }).compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterEach(() => app.close());

  it('answers from what its providers remember', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/users/42`)));
    for (const response of responses) expect(await response.json()).toEqual({ id: '42', reads: 1 });
    expect(app.get(UsersService).reads).toBe(1);
  });

  it('finds routes and metadata on cached handlers', async () => {
    expect((await fetch(`${url}/users/42/visits`)).status).toBe(403);
    for (let n = 0; n < 2; n++) {
      const response = await fetch(`${url}/users/42/visits`, { headers: { 'x-role': 'staff' } });
      expect(await response.text()).toBe('42: 1');
    }
  });
});

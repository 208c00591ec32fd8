import { describeManyMethods } from './many-method-cases.ts';

describeManyMethods('standard');

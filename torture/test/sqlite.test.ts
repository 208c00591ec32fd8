import { describeParts } from './parts.ts';

describeParts('sqlite');

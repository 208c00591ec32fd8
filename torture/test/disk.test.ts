import { describeParts } from './parts.ts';

describeParts('disk');

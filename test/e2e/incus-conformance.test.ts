import { describeConformance } from '../platform/conformance.ts';
import { subject } from './incus-subject.ts';

describeConformance('the real Incus', () => subject('ad-conformance'));

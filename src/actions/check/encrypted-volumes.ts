/** check:encryptedVolumes: attached EBS volumes are encrypted. */
import { Type } from 'typebox';
import type { Judged } from '../../compliance/types.ts';
import { textIn } from '../aws/reply.ts';
import { defineAccountCheck } from './define-check.ts';
import { broken, kept, unknown } from './judging.ts';
import { listVolumes, tagInput, volumeText } from './volumes.ts';

export const checkEncryptedVolumes = defineAccountCheck({
  name: 'check:encryptedVolumes',
  summary: 'Looks whether every EBS volume that is attached to an instance is encrypted.',
  source: 'https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html',
  example: `
    - name: DisksAreEncrypted
      action: check:encryptedVolumes
      inputs: { AllowNone: false }`,
  inputs: {
    Tag: Type.Optional(tagInput),
    AllowNone: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Whether it is good that no volume is attached at all. Otherwise nobody knows.',
      }),
    ),
  },
  permissions: () => ['ec2:DescribeVolumes'],
  look: async ({ Tag, AllowNone }, context) => {
    const volumes = await listVolumes({ tag: Tag, isAttached: true }, context);
    const judged = volumes.map((volume): Judged => {
      const id = textIn(volume, 'VolumeId');
      const isEncrypted = volume['Encrypted'];
      if (id === '') return unknown('', 'BAD_REPLY', 'EC2 listed a volume without an id');
      if (typeof isEncrypted !== 'boolean')
        return unknown(id, 'BAD_REPLY', 'EC2 does not say whether it is encrypted');
      return isEncrypted
        ? kept(id, 'encrypted')
        : broken(id, 'encrypted', `not encrypted${volumeText(volume)}`);
    });
    if (judged.length === 0)
      judged.push(
        AllowNone === true
          ? kept('volumes', 'none')
          : unknown('', 'NOTHING_JUDGED', 'EC2 lists no attached volume; where that is good, say AllowNone'),
      );
    return { judged, isWhole: false };
  },
});

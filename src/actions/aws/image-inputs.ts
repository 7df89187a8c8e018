/** What the actions that make an image have in common, as EC2 takes and gives it. */
import { Type } from 'typebox';
import { strictObject } from '../strict-object.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html */
export const imageName = Type.String({
  minLength: 3,
  maxLength: 128,
  pattern: String.raw`^[A-Za-z0-9()\[\] ./\-'@_]*$`,
  description: "Letters, digits, spaces and ( ) [ ] . / - ' @ _; no other image of the account has it.",
});

export const imageDescription = Type.String({ maxLength: 255 });

export const imageOutputs = strictObject({
  ImageId: Type.String(),
  ImageState: Type.String({ description: 'available; of a failed step what EC2 says instead.' }),
});

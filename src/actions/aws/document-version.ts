/** How a version of a document of Systems Manager is named: the pattern of the service's own model. */
export const documentVersion = '^([$]LATEST|[$]DEFAULT|[1-9][0-9]*)$';

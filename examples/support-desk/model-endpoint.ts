/** Where the models are, and which ones the desk's two agents use. */
export interface ModelEndpoint {
  readonly apiKey: string;

  /** Ends in `/v1`; without it, the provider's own. */
  readonly baseUrl?: string;

  readonly models: { readonly planner: string; readonly writer: string };
}

package change

// Summary is what the plan of one part comes to, such that the plans of two environments
// can be compared. It holds no value of the change, and no sensitive variable at all.
type Summary struct {
	Part string `json:"part"`
	Kind Kind   `json:"kind"`
	// Tool is the program that made the plan, with its version; empty for our own.
	Tool  string        `json:"tool,omitempty"`
	Items []SummaryItem `json:"items"`
	// Providers are the versions of Terraform's providers, by their source address.
	Providers map[string]string `json:"providers,omitempty"`
	// Modules are the digests of installed modules, by their path of calls.
	Modules map[string]Digest `json:"modules,omitempty"`
	// Variables are the digests of the values of variables.
	Variables map[string]Digest `json:"variables,omitempty"`
}

// SummaryItem is what happens to one object or resource.
type SummaryItem struct {
	Address string `json:"address"`
	Action  Action `json:"action"`
	// Reads are the variables on which it depends whether there is such a resource, and
	// how many: those in its count and for_each, and in those of its modules.
	Reads []string `json:"reads,omitempty"`
}

package apply

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/change"
)

// Terraform is what a part applies with Terraform, and what was in force before.
type Terraform struct {
	// Key names the private directory of the configuration.
	Key string `json:"key"`
	// Applied is what the part applies.
	Applied TerraformVersion `json:"applied"`
	// Previous is what was committed last; nil where nothing was.
	Previous *TerraformVersion `json:"previous,omitempty"`
	// Began is true from the moment at which Terraform may have changed anything, and
	// Ended once it has come back by itself.
	Began bool `json:"began"`
	Ended bool `json:"ended"`
	// Lineage and Serial are those of the state before; empty where there was none.
	Lineage string `json:"lineage,omitempty"`
	Serial  uint64 `json:"serial,omitempty"`
	// Committed is true from the moment at which the part was made final: what it created
	// may hold data since.
	Committed bool `json:"committed,omitempty"`
	// Created are the addresses that were planned to be created, Changed those to be
	// updated, replaced or deleted, Forgotten those that were to stay as they are and be
	// managed no more.
	Created   []string `json:"created,omitempty"`
	Changed   []string `json:"changed,omitempty"`
	Forgotten []string `json:"forgotten,omitempty"`
}

// TerraformVersion is a configuration and what it was given.
type TerraformVersion struct {
	RunID string `json:"runID"`
	// Cluster is the UID of the cluster that it was applied for.
	Cluster       string        `json:"cluster,omitempty"`
	Configuration change.Digest `json:"configuration"`
	// Inputs are the variables and the files of variables; see Record.SealInputs.
	Inputs Sealed `json:"inputs"`
}

// inputsContext binds sealed inputs to what they are, and not to a run: the next run
// records them as the previous ones.
const inputsContext = "terraform inputs"

// SealInputs seals what a configuration was given, which may hold secrets.
func (r *Record) SealInputs(inputs any) (Sealed, error) {
	s, err := Seal(r.key, inputsContext, inputs)
	if err != nil {
		return nil, fmt.Errorf("writing the variables into the record of %s: %w", r.Part, err)
	}
	return s, nil
}

// OpenInputs is the inverse of SealInputs.
func (r *Record) OpenInputs(s Sealed, inputs any) error {
	if err := s.Open(r.key, inputsContext, inputs); err != nil {
		return fmt.Errorf("reading the variables from the record of %s: %w", r.Part, err)
	}
	return nil
}

package terraform

import (
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	static "github.com/stagegate/stagegate/internal/change/terraform/inspect"
)

// addGiven adds, before Terraform runs, what is known to be secret by then: it may quote
// that in the error of a plan that is never made.
func (w *Workspace) addGiven() error {
	files, err := w.given()
	if err != nil {
		return err
	}
	w.secrets.addVariables(w.config.Module, w.options.Variables)
	for name, value := range w.options.BackendConfig {
		w.secrets.addSetting(name, value)
	}
	for _, v := range w.config.Module.Variables {
		if v.Sensitive {
			w.secrets.add(v.Default)
		}
	}
	for _, f := range w.config.Files {
		if isValues(f.Name) {
			files = append(files[:len(files):len(files)], f)
		}
	}
	for _, f := range files {
		values, err := static.Values(f.Name, f.Content)
		if err != nil {
			return err
		}
		decoded := map[string]any{}
		for name, value := range values {
			decoded[name] = decode(value)
		}
		w.secrets.addVariables(w.config.Module, decoded)
	}
	return nil
}

// isValues tells the files of variables that Terraform reads by itself.
func isValues(name string) bool {
	if path.Dir(name) != "." {
		return false
	}
	stem := strings.TrimSuffix(name, ".json")
	return stem == "terraform.tfvars" || strings.HasSuffix(stem, ".auto.tfvars")
}

// decode is a value as JSON has it; nil for one that is not known.
func decode(value cty.Value) any {
	var decoded any
	content, err := json.Marshal(ctyjson.SimpleJSONValue{Value: value})
	if err != nil || json.Unmarshal(content, &decoded) != nil {
		return nil
	}
	return decoded
}

// secretSetting are the settings of backends that are secret, by a part of their names.
var secretSetting = regexp.MustCompile(`passw|token|secret|credential|conn_str|(access|encryption|customer|client|private)_key`)

// addSetting adds the setting of a backend, or the password in its address.
func (s *secrets) addSetting(name, value string) {
	if secretSetting.MatchString(name) {
		s.add(value)
	}
	if address, err := url.Parse(value); err == nil && address.User != nil {
		if password, ok := address.User.Password(); ok {
			s.add(password)
		}
	}
}

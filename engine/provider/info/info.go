// Package info describes the upstream Terraform provider to Pulumi's bridge so
// that the plugin built here answers to the same names as the published
// tencentcloud plugin, for the services that luodi declares.
package info

import (
	"maps"
	"strings"

	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/schema"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/tencentcloudstack/terraform-provider-tencentcloud/tencentcloud"
)

const (
	// Name is the plugin's name, as in pulumi-resource-tencentcloud.
	Name = "tencentcloud"
	// Version is the published plugin's whose tokens are answered here. The
	// Python package of the same version asks the engine for it.
	Version = "0.2.3"

	prefix = Name + "_"
	// maxName bounds the names that Pulumi makes up where a program gives none.
	maxName = 255
)

// kept are the beginnings, after "tencentcloud_", of the resources and data
// sources that the plugin serves: what a site is made of. The bridge works
// through the schema of each whenever the plugin starts, and upstream has more
// than a thousand.
var kept = []string{
	"availability_zones", "cos_bucket", "dnspod_", "eip", "images", "instance", "key_pair", "lighthouse_",
	"monitor_alarm_", "monitor_policy_binding_object", "security_group", "ssl_", "subnet", "tat_", "user_info", "vpc",
}

// Provider is the upstream provider, reduced to kept, with a Pulumi token for
// each resource and data source.
func Provider() tfbridge.ProviderInfo {
	upstream := tencentcloud.Provider()
	dropOthers(upstream.ResourcesMap)
	dropOthers(upstream.DataSourcesMap)
	provider := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(upstream),
		Name:         Name,
		Version:      Version,
		Resources:    map[string]*tfbridge.ResourceInfo{},
		DataSources:  map[string]*tfbridge.DataSourceInfo{},
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	for key := range upstream.ResourcesMap {
		provider.Resources[key] = &tfbridge.ResourceInfo{Tok: resource(key)}
	}
	for key := range upstream.DataSourcesMap {
		provider.DataSources[key] = &tfbridge.DataSourceInfo{Tok: dataSource(key)}
	}
	provider.SetAutonaming(maxName, "-")
	return provider
}

func dropOthers(all map[string]*schema.Resource) {
	maps.DeleteFunc(all, func(key string, _ *schema.Resource) bool {
		for _, beginning := range kept {
			if strings.HasPrefix(key, prefix+beginning) {
				return false
			}
		}
		return true
	})
}

// resource is the published plugin's token for an upstream resource:
// tencentcloud_security_group_rule_set is
// tencentcloud:Security/groupRuleSet:GroupRuleSet.
func resource(key string) tokens.Type {
	service, name := split(key)
	return tokens.Type(Name + ":" + service + "/" + strings.ToLower(name[:1]) + name[1:] + ":" + name)
}

// dataSource is the same for a data source: tencentcloud_vpc_subnets is
// tencentcloud:Vpc/getSubnets:getSubnets.
func dataSource(key string) tokens.ModuleMember {
	service, name := split(key)
	return tokens.ModuleMember(Name + ":" + service + "/get" + name + ":get" + name)
}

// split parts an upstream key into Pulumi's service and name. A service alone
// (tencentcloud_vpc) is its Instance.
func split(key string) (service, name string) {
	service, name, ok := strings.Cut(strings.TrimPrefix(key, prefix), "_")
	if !ok {
		name = "instance"
	}
	return camel(service), camel(name)
}

func camel(snake string) string {
	words := strings.Split(snake, "_")
	for i, word := range words {
		if word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, "")
}

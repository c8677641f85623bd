@{
    ExcludeRules = @(
        # As in the settings of the whole.
        'PSUseBOMForUnicodeEncodedFile'
        # What BeforeAll and BeforeDiscovery assign is used in other blocks, which the rule takes for other scopes.
        'PSUseDeclaredVarsMoreThanAssignments'
        # It takes the parameters of a job's script block for variables from outside.
        'PSUseUsingScopeModifierInNewRunspaces'
        # Helpers that assert are named as Pester's own: Should-HoldNoSecret.
        'PSUseApprovedVerbs'
        # Their passwords belong to servers that end with the test.
        'PSAvoidUsingConvertToSecureStringWithPlainText'
        # Helpers with one or two parameters read as sentences do.
        'PSAvoidUsingPositionalParameters'
    )
}

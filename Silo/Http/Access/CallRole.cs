using Gristmill.Grains.Options;
using Microsoft.AspNetCore.Authorization;

namespace Gristmill.Silo.Http.Access;

/// <summary>The role that a call needs: metadata of its endpoint, and what the authorization asks for.</summary>
/// <param name="role">The role.</param>
internal sealed class CallRole(AccessRole role) : IAuthorizationRequirement
{
    public AccessRole Role => role;
}

/// <summary>Lets a caller whose role is high enough call; where the API is open, everybody.</summary>
internal sealed class CallRoleHandler(AccessKeys keys) : AuthorizationHandler<CallRole>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, CallRole requirement)
    {
        if (keys.IsOpen || CallerClaims.RoleOf(context.User) >= requirement.Role) context.Succeed(requirement);
        return Task.CompletedTask;
    }
}
